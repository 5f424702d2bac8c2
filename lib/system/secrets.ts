/**
 * What must not be shown, for every line that leaves an agent (I8). Whoever reads a secret says so here, and the contracts with the
 * executor and the fencer show no text that did not pass {@link hideSecrets}. One register a process, so that no error of any layer
 * has to be handed it.
 */

/** Shorter texts would take half the alphabet out of every sentence, and protect nothing. */
const shortestSecret = 3;

/** The longest first: one may be a part of another. */
let secrets: readonly string[] = [];
/** Those who know more secrets, and further forms of them. */
const hiders = new Set<(text: string) => string>();

/** Keeps the text out of everything that is said from now on. */
export function keepSecret(secret: string): void {
  if (secret.length < shortestSecret || secrets.includes(secret)) return;
  secrets = [...secrets, secret].sort((a, b) => b.length - a.length);
}

/** Has somebody who keeps secrets of its own hide them as well. */
export function hideWith(hide: (text: string) => string): void {
  hiders.add(hide);
}

/** The text without any secret. To be called before anything is cut: half a secret is not found any more. */
export function hideSecrets(text: string): string {
  let hidden = text;
  for (const hide of hiders) hidden = hide(hidden);
  for (const secret of secrets) hidden = hidden.replaceAll(secret, '***');
  return hidden;
}
