/** Past participles that do not end in -ed. Those that are verbs as well (run, set, put) fit both. */
const IRREGULAR: ReadonlySet<string> = new Set(
  (
    "become begun bent bet bitten bought bound bred broken brought built burnt burst caught chosen come cost cut dealt done " +
    "drawn driven eaten fallen fed felt found forbidden forgotten forgiven frozen given gone got grown had heard held " +
    "hidden hit hurt kept known laid learnt led left lent let lit lost made meant met mistaken overridden paid put " +
    "proven quit read reset rewritten ridden risen rung run said seen sent set shot shown shut slept sold sought spent " +
    "split spread stolen stood struck stuck sung sunk swept sworn taken taught thrown told thought torn unbound understood " +
    "undone upset withdrawn woken won worn wound written rebuilt resent reread rerun redone overwritten"
  ).split(" "),
);
/** These are verbs too, so a command may end in them. */
const VERBS_TOO: ReadonlySet<string> = new Set(
  "become bet burst come cost cut hit hurt let put quit read reset reread rerun resent run set shut split spread upset".split(
    " ",
  ),
);
/** Words in -ed that are not participles. */
const NO_PARTICIPLE = /(eed|^bed|^red|^shed|^wed|^embed|^led)$/;

/** Whether a word says that something has happened: `detected`, `built`, `dead_lettered`. Pure. */
export function isPastParticiple(token: string): boolean {
  const word = lastWord(token);
  return IRREGULAR.has(word) || (word.endsWith("ed") && word.length > 3 && !NO_PARTICIPLE.test(word));
}

/** Whether a word can be a verb. Its meaning is unknown, but a mere past participle is not a verb. Pure. */
export function canBeVerb(token: string): boolean {
  return VERBS_TOO.has(lastWord(token)) || !isPastParticiple(token);
}

/** The regular past participle of a verb: `notify` becomes `notified`. Pure. */
export function pastParticipleOf(token: string): string {
  if (/[^aeiou]y$/.test(token)) return `${token.slice(0, -1)}ied`;
  return token.endsWith("e") ? `${token}d` : `${token}ed`;
}

function lastWord(token: string): string {
  return token.split(/[_-]/).at(-1) ?? token;
}
