import { harmless } from '../../../lib/system/text.ts';

/** The last lines of a text that say something, newest last, without what a terminal would obey. */
export function lastLinesOf(text: string, count: number): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => harmless(line).trimEnd())
    .filter((line) => line !== '')
    .slice(-count);
}

/** What a tool said of why it failed, as the end of a sentence: not the advice where to read more that follows it. */
export function said(stderr: string, exitCode: number): string {
  const lines = lastLinesOf(stderr, 20);
  const line = lines.findLast((each) => /error|fail|cannot|denied|unable/i.test(each)) ?? lines.at(-1);
  return line === undefined
    ? `it ended with exit code ${exitCode}.`
    : `${line.slice(0, 300).replace(/[.\s]+$/, '')}.`;
}
