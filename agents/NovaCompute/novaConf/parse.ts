/** An option as one file sets it. */
export interface Assignment {
  readonly section: string;
  readonly option: string;
  readonly value: string;
  readonly line: number;
}

/** What is wrong with a line of a file, in few words. */
export class SyntaxProblem extends Error {
  override readonly name = 'SyntaxProblem';
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/**
 * The assignments of an ini file by the rules of oslo.config (oslo_config/iniparser.py): a line that starts with a
 * blank continues the value before; an empty line, a comment, a section or another option ends it; `=` or `:`, whichever
 * comes first, parts option from value; one pair of quotes around the first line of a value is taken away. A section's
 * name counts in any case, but for `DEFAULT`. Throws {@link SyntaxProblem}.
 */
export function parseIni(text: string): readonly Assignment[] {
  const assignments: Assignment[] = [];
  let section = '';
  let open: { readonly option: string; readonly line: number; readonly value: string[] } | null = null;
  const flush = (): void => {
    if (open === null) return;
    if (section === '') throw new SyntaxProblem(open.line, 'an option stands before the first [section]');
    const { option, line, value } = open;
    assignments.push({ section, option, line, value: value.join('\n') });
    open = null;
  };

  let number = 0;
  for (const raw of text.split(/\r\n|\n|\r/)) {
    number += 1;
    const line = raw.trimEnd();
    if (line !== '' && /^[ \t]/.test(line)) {
      const current: { readonly value: string[] } | null = open;
      if (current === null) throw new SyntaxProblem(number, 'an indented line continues no option');
      current.value.push(line.trimStart());
      continue;
    }
    flush();
    if (line.startsWith('[')) section = sectionName(line, number);
    else if (line !== '' && !/^[#;]/.test(line)) open = { ...splitAssignment(line, number), line: number };
  }
  flush();
  return assignments;
}

function sectionName(line: string, number: number): string {
  if (!line.endsWith(']')) throw new SyntaxProblem(number, 'a [section] does not end with ]');
  if (line.length <= 2) throw new SyntaxProblem(number, 'a section has no name');
  return normalSection(line.slice(1, -1));
}

/** `[LibVirt]` is `[libvirt]`; `[default]` is not `[DEFAULT]`. */
export function normalSection(name: string): string {
  return name === 'DEFAULT' ? name : name.toLowerCase();
}

function splitAssignment(line: string, number: number): { option: string; value: string[] } {
  const at = line.search(/[=:]/);
  if (at < 0) throw new SyntaxProblem(number, 'neither = nor : is in the line');
  const option = line.slice(0, at).trim();
  if (option === '') throw new SyntaxProblem(number, 'an option has no name');
  const value = line.slice(at + 1).trim();
  const quoted = /^["']/.test(value) && value[0] === value.at(-1);
  return { option, value: [quoted ? value.slice(1, -1) : value] };
}
