// The page is opened as http://localhost:8080/#viewer=http://127.0.0.1:7480&token=…
const given = new URLSearchParams(location.hash.slice(1));
const EVENT = "infra.database.connection.failed";
const SHOWN_MS = 8000;

const query = new URLSearchParams({ pattern: EVENT, token: given.get("token") ?? "" });
const feed = new EventSource(`${given.get("viewer")}/api/feed?${query}`);

feed.onmessage = ({ data }) => {
  const { type, origin, envelope } = JSON.parse(data);
  if (type !== "event") return;
  const toast = document.createElement("p");
  // A text of a stranger: never innerHTML.
  toast.textContent = `${origin}: ${envelope.data.database_type ?? "database"} failed: ${envelope.data.error_message}`;
  document.getElementById("toasts").append(toast);
  setTimeout(() => toast.remove(), SHOWN_MS);
};
