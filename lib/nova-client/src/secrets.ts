/**
 * What must never be shown: passwords, tokens, the secrets of application credentials and of a proxy. Whoever learns of
 * one says so here, and every text that leaves the client goes through {@link tellable}. The register is the process's, so
 * that no error of any layer has to be handed it.
 */

/** Shorter texts would take half the alphabet out of every sentence, and protect nothing. */
const shortestSecret = 3;

/** Every form of every secret. */
const forms = new Set<string>();
/** The same, the longest first: one may be a part of another. Null: to be sorted anew. */
let sorted: readonly string[] | null = null;
/** What they begin with. Tokens begin alike, so these stay few, however often somebody logs in. */
const beginnings = new Set<string>();

/** Keeps the text out of everything that is said from now on, in each form in which a service may repeat it. */
export function keepSecret(secret: string): void {
  if (secret.length < shortestSecret || forms.has(secret)) return;
  for (const form of formsOf(secret)) {
    forms.add(form);
    beginnings.add(form.slice(0, shortestSecret));
  }
  sorted = null;
}

/** For tests, which share a process: what one has kept would hide words in the sentences of the next. */
export function forgetSecrets(): void {
  forms.clear();
  beginnings.clear();
  sorted = null;
}

/** The text without any secret. To be called before anything is cut: half a secret is not found any more. */
export function hideSecrets(text: string): string {
  if (!mayHoldSecret(text)) return text;
  sorted ??= [...forms].sort((a, b) => b.length - a.length);
  let hidden = text;
  for (const form of sorted) hidden = hidden.replaceAll(form, '***');
  return hidden;
}

/** Almost no text does, and every line of the log and every answer is asked. */
function mayHoldSecret(text: string): boolean {
  for (const beginning of beginnings) if (text.includes(beginning)) return true;
  return false;
}

/** As it is, in JSON (as Node and as Python write it), in an address, in a form, in HTML. */
function formsOf(secret: string): readonly string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const ascii = json.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  // A text with half of a surrogate pair has no address.
  const url = encodeURIComponent(secret.toWellFormed());
  const strict = url.replace(/[!'()*~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const lower = (text: string) => text.replace(/%[0-9A-F]{2}/g, (percent) => percent.toLowerCase());
  const addresses = [url, strict, url.replaceAll('%20', '+'), strict.replaceAll('%20', '+')];
  const html = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const quoted = ['&#39;', '&#x27;'].map((quote) => html.replaceAll('"', '&quot;').replaceAll("'", quote));
  return [secret, json, ascii, ...addresses, ...addresses.map(lower), html, ...quoted];
}

/** Longest sentence that an error carries, and longest piece of somebody else's text within one. */
const longestSentence = 1000;
const longestQuote = 80;

/** Text as it may be shown: without secrets, on one line, and no longer than `longest`. */
export function tellable(text: string, longest = longestSentence): string {
  const line = oneLine(hideSecrets(text));
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}

/** A value that somebody else sent, in quotation marks. */
export function quoted(text: string): string {
  return `"${tellable(text, longestQuote)}"`;
}

/** Control characters and line ends would let a foreign text forge lines of the log. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
}

/** What a request is known by in the cloud's logs: an id, or nothing. Services that are none of OpenStack's send anything. */
export function plainRequestId(text: string | null): string | null {
  if (text === null) return null;
  const id = hideSecrets(text);
  return /^[\w.:-]{1,80}$/.test(id) ? id : null;
}
