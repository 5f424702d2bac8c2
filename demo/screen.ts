const terminal = process.stdout.isTTY;
const paint = (code: string, text: string) => (terminal ? `\u001b[${code}m${text}\u001b[0m` : text);
export const bold = (text: string) => paint('1', text);
export const dim = (text: string) => paint('2', text);
export const green = (text: string) => paint('32', text);
export const red = (text: string) => paint('31', text);
export const yellow = (text: string) => paint('33', text);

let live = false;
let lastLive = '';

/** A line that stays. */
export function say(text = ''): void {
  if (live) process.stdout.write('\r\u001b[K');
  live = false;
  process.stdout.write(`${text}\n`);
}

/** A line that the next one replaces; without a terminal each change is a line of its own. */
export function show(text: string): void {
  if (text === lastLive) return;
  lastLive = text;
  if (terminal) {
    live = true;
    process.stdout.write(`\r\u001b[K${text}`);
  } else {
    process.stdout.write(`${text}\n`);
  }
}

/** Columns wide enough for their longest cell; colours do not count. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, width(cell));
  }
  return rows
    .map(
      (row) =>
        `  ${row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell))).join('  ')}`,
    )
    .map((line) => line.trimEnd())
    .join('\n');
}

function width(cell: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences
  return cell.replace(/\u001b\[\d+m/g, '').length;
}

export function bar(done: number, total: number): string {
  const length = 24;
  const full = total === 0 ? length : Math.round((done / total) * length);
  return `[${'#'.repeat(full)}${'.'.repeat(length - full)}]`;
}
