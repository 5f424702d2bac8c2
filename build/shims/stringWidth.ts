/**
 * Stands in for the package `string-width` inside the binary, where yargs' help is its only user. The original
 * creates an `Intl.Segmenter` twice while it is loaded, a quarter of the time that a whole monitor takes, to
 * measure scripts and emoji that our English help does not contain.
 */
export default function stringWidth(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
  return text.replace(/\u001B\[[0-9;]*m/g, '').length;
}
