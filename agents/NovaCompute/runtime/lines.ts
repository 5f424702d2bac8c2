/** The last lines of a text that say something, newest last. */
export function lastLinesOf(text: string, count: number): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-count);
}
