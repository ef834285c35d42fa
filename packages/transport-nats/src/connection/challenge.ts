import { type Authenticator, nkeyAuthenticator } from "nats";

/** What nats-server asks its clients to sign: random bytes in base64. */
const CHALLENGE = /^[\w-]+$/;

/**
 * Signs a server's challenge with an nkey, and nothing else: the same key signs requests to join, and a server of a
 * third party could ask for the signature of one. The answer to such a challenge has no signature, so that an honest
 * server refuses it.
 * @param seed Called for each answer.
 */
export function challengeSigner(seed: () => string): Authenticator {
  const answer = nkeyAuthenticator(() => new TextEncoder().encode(seed()));
  return (challenge) => answer(CHALLENGE.test(challenge ?? "") ? challenge : undefined);
}
