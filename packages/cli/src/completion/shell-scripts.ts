import type { CommandWords, OptionWord, Word } from "./command-tree.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;

export type Shell = (typeof SHELLS)[number];

/** The script by which a shell completes `adaos`. Pure: same tree, same text. */
export function completionScript(shell: Shell, tree: readonly CommandWords[]): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](tree);
}

/** As bash and zsh name a command inside the script: `/events/publish`, empty for the program. */
function place({ path }: CommandWords): string {
  return path.map((name) => `/${name}`).join("");
}

function bashScript(tree: readonly CommandWords[]): string {
  const words = tree.map((command) => {
    const { commands, options, values } = command;
    const all = [...values, ...[...commands, ...options].map(({ name }) => name)];
    return `    ${quoted(place(command))}) found=${quoted(all.join(" "))} ;;`;
  });
  return `# adaos completion bash: source it, or put it into /etc/bash_completion.d
_adaos() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at="" found="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
${follow(tree, `\${COMP_WORDS[i]}`)}
  done
  case "$at \${COMP_WORDS[COMP_CWORD - 1]}" in
${valueCases(tree, (choices) => `COMPREPLY=($(compgen -W ${quoted(choices.join(" "))} -- "$cur")); return`, "return")}
  esac
  case "$at" in
${words.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$found" -- "$cur"))
}
complete -o default -F _adaos adaos`;
}

function zshScript(tree: readonly CommandWords[]): string {
  // In a description of zsh a colon ends the word.
  const described = ({ name, description }: Word): string =>
    quoted(`${name.replaceAll(":", "\\:")}:${description}`);
  const words = tree.map((command) => {
    const all = [...command.values.map(quoted), ...[...command.commands, ...command.options].map(described)];
    return `    ${quoted(place(command))}) found=(${all.join(" ")}) ;;`;
  });
  return `#compdef adaos
# adaos completion zsh: source it after compinit, or save it as _adaos in a folder of $fpath
_adaos() {
  local at="" word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
${follow(tree, "$word")}
  done
  case "$at \${words[CURRENT-1]}" in
${valueCases(tree, (choices) => `compadd -- ${choices.map(quoted).join(" ")}; return`, "_files; return")}
  esac
  case "$at" in
${words.join("\n")}
  esac
  _describe adaos found || _files
}
if [ "$funcstack[1]" = _adaos ]; then _adaos "$@"; else compdef _adaos adaos; fi`;
}

/** A line of a loop that descends when the word names a subcommand. */
function follow(tree: readonly CommandWords[], word: string): string {
  const places = tree.filter(({ path }) => path.length > 0).map((command) => quoted(place(command)));
  return `    case "$at/${word}" in\n      ${places.join("|")}) at="$at/${word}" ;;\n    esac`;
}

/** Completion after an option with a value: one of its choices, or the name of a file. */
function valueCases(
  tree: readonly CommandWords[],
  complete: (choices: readonly string[]) => string,
  completeFile: string,
): string {
  const lines = tree.flatMap((command) =>
    command.options
      .filter(({ takesValue }) => takesValue)
      .map(({ name, choices }) => {
        const then = choices.length > 0 ? complete(choices) : completeFile;
        return `    ${quoted(`${place(command)} ${name}`)}) ${then} ;;`;
      }),
  );
  return lines.join("\n");
}

function fishScript(tree: readonly CommandWords[]): string {
  const places = tree.filter(({ path }) => path.length > 0).map((command) => quoted(place(command)));
  const lines = tree.flatMap((command) => {
    const when = `-n ${quoted(`test (__adaos_at) = ${place(command) || "/"}`)}`;
    const values = command.values.map((value) => `complete -c adaos -f ${when} -a ${quoted(value)}`);
    const commands = command.commands.map(
      ({ name, description }) => `complete -c adaos -f ${when} -a ${quoted(name)} -d ${quoted(description)}`,
    );
    return [...values, ...commands, ...command.options.map((option) => fishOption(when, option))];
  });
  return `# adaos completion fish: save it as ~/.config/fish/completions/adaos.fish
function __adaos_at
  set -l at
  for word in (commandline -opc)[2..]
    contains -- "$at/$word" ${places.join(" ")}; and set at "$at/$word"
  end
  test -n "$at"; and echo $at; or echo /
end
${lines.join("\n")}`;
}

function fishOption(when: string, { name, description, takesValue, choices }: OptionWord): string {
  const flag = name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`;
  const value = takesValue ? (choices.length > 0 ? ` -x -a ${quoted(choices.join(" "))}` : " -r") : "";
  return `complete -c adaos ${when} ${flag}${value} -d ${quoted(description)}`;
}

/** Quotes any text as one word for each of these shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
