/**
 * The text of stories. `== title` begins one; `> command` is something that happens, and the indented lines below it are
 * what came of that; all other lines are the teller's own and stay as they are.
 */

export interface Step {
  /** Without the `>`. */
  readonly command: string;
  /** The number of its line in the file, from 1. */
  readonly line: number;
  readonly expected: readonly string[];
}

export interface Story {
  readonly title: string;
  readonly steps: readonly Step[];
}

const titleLine = /^== (.+)$/;
const commandLine = /^> (.+)$/;
const indent = '    ';

export function readStories(text: string): Story[] {
  const stories: { title: string; steps: { command: string; line: number; expected: string[] }[] }[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const title = titleLine.exec(line)?.[1];
    const command = commandLine.exec(line)?.[1];
    const steps = stories.at(-1)?.steps;
    if (title !== undefined) stories.push({ title, steps: [] });
    else if (command !== undefined) {
      if (steps === undefined) throw new Error(`line ${index + 1}: a command before the first title`);
      steps.push({ command, line: index + 1, expected: [] });
    } else if (line.startsWith(indent)) {
      const step = steps?.at(-1);
      if (step === undefined) throw new Error(`line ${index + 1}: an outcome of nothing`);
      step.expected.push(line.slice(indent.length));
    }
  }
  return stories;
}

/** The same text with other outcomes, by the line of their command. */
export function rewrite(text: string, outcomes: ReadonlyMap<number, readonly string[]>): string {
  return text
    .split('\n')
    .flatMap((line, index) => {
      if (line.startsWith(indent)) return [];
      return [line, ...(outcomes.get(index + 1) ?? []).map((outcome) => indent + outcome)];
    })
    .join('\n');
}
