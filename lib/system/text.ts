/** The text, or its beginning and a sign that there is more. */
export function atMost(length: number, text: string): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** A text as one line: the log's reader shall not be able to mistake one entry for two, nor a terminal obey it. */
export function oneLine(text: string): string {
  return harmless(text.replace(/\s*[\r\n\u2028\u2029]+\s*/g, ' ')).trim();
}

/** What somebody else printed, without what a terminal would obey. To be called where it comes in. */
export function harmless(line: string): string {
  return line.replace(/(?!\t)\p{Cc}/gu, '?');
}
