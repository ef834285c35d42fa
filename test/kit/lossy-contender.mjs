// A contender for the benchmark's test: carries texts through a file. Under this name it loses one; a copy under
// another name loses none.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const fileOf = ({ run, state }) => join(state, `${run}.texts`);
const LOST = import.meta.url.endsWith("/lossy-contender.mjs") ? 7 : undefined;

const isLost = (text) => text.startsWith(`${LOST} `);

export const contender = {
  what: "a file",
  openSender: async (place) => ({
    send: async (text) => {
      if (!isLost(text)) appendFileSync(fileOf(place), `${text}\n`);
    },
    close: async () => undefined,
  }),
  openReceiver: async (place, onText) => {
    let taken = 0;
    const timer = setInterval(() => {
      if (!existsSync(fileOf(place))) return;
      const texts = readFileSync(fileOf(place), "utf8").trim().split("\n");
      for (const text of texts.slice(taken)) onText(text);
      taken = texts.length;
    }, 10);
    return async () => clearInterval(timer);
  },
};
