// The search of the index. Its data are in the page, since a file has no server to ask.
(() => {
  const input = document.getElementById("q");
  const count = document.getElementById("count");
  const body = document.querySelector("tbody");
  const words = JSON.parse(document.getElementById("words").textContent);
  const rows = [...body.rows].map((row, i) => ({ row, text: words[i] }));

  /** Lower is better: the name begins with it, the name contains it, another text does. */
  function rank(text, wanted) {
    if (!wanted.every((word) => text.includes(word))) return undefined;
    const name = text.slice(0, text.indexOf(" "));
    if (name.startsWith(wanted[0] ?? "")) return 0;
    return wanted.every((word) => name.includes(word)) ? 1 : 2;
  }

  function search() {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const ranked = rows.map(({ row, text }, i) => ({ row, i, rank: rank(text, wanted) }));
    const found = ranked.filter((one) => one.rank !== undefined);
    for (const { row } of ranked) row.hidden = true;
    for (const { row } of found) row.hidden = false;
    const isAll = wanted.length === 0;
    body.append(...found.sort((a, b) => (isAll ? 0 : a.rank - b.rank) || a.i - b.i).map(({ row }) => row));
    count.textContent = isAll ? `${rows.length} events` : `${found.length} of ${rows.length} events`;
  }

  input.addEventListener("input", search);
  input.form.addEventListener("submit", (event) => {
    event.preventDefault();
    body.querySelector("tr:not([hidden]) a")?.click();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target === input) return;
    event.preventDefault();
    input.focus();
  });
  input.value = new URLSearchParams(location.search).get("q") ?? "";
  search();
})();
