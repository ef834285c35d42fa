import { existsSync } from "node:fs";
import { join, relative, sep } from "node:path";

/**
 * Name of a key file among the credentials that systemd hands over: `alpha_members_kitchen.nk`. Pure.
 * @param path Relative to the folder of keys.
 */
export function credentialName(path: string): string {
  return path.replaceAll(sep, "_");
}

/**
 * The place of a secret: the file itself, or the credential that systemd has handed over in place of it. A unit names
 * the folder whose files it may not see in `ADAOS_CREDENTIALS_OF`. Never throws.
 */
export function secretPlace(
  file: string,
  { ADAOS_CREDENTIALS_OF: keysDir, CREDENTIALS_DIRECTORY: handed }: NodeJS.ProcessEnv = process.env,
): { readonly file: string; readonly isCredential: boolean } {
  if (keysDir !== undefined && handed !== undefined && file.startsWith(keysDir + sep)) {
    const credential = join(handed, credentialName(relative(keysDir, file)));
    if (existsSync(credential)) return { file: credential, isCredential: true };
  }
  return { file, isCredential: false };
}
