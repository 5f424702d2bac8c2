import { refuseNul } from './argv.ts';
import { FenceError, type FenceIo, type FenceOption } from './declarations.ts';
import { type ParsedOptions, toBoolean } from './options.ts';

/** More than any configuration holds; a bound, so that nothing can fill our memory. */
const MAX_BYTES = 1024 * 1024;

/** Reads stdin to its end. Throws {@link FenceError} when there is more than 1 MiB. */
export async function readStdin(stdin: FenceIo['stdin']): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BYTES) throw new FenceError(`Parse error: stdin holds more than ${MAX_BYTES} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Reads options as Pacemaker gives them on stdin: one `name=value` per line. White space around a line is dropped, as
 * are empty lines and those that start with `#`; the first `=` separates; one pair of double quotes around the value
 * is dropped; no blanks around `=` are forgiven, nothing is escaped. The last of several counts. Unknown names and
 * booleans that are none are warned of and ignored, so that a newer configuration does not stop an older agent.
 *
 * Unlike fence-agents, a boolean that is false is false: `insecure=0` verifies, `help=0` prints no help.
 */
export function parseStdin(declared: readonly FenceOption[], text: string): ParsedOptions {
  const values = new Map<string, string | boolean>();
  const warnings: string[] = [];
  let nodename: string | null = null;
  for (const rawLine of text.split('\n')) {
    const line = rawLine.trim();
    if (line === '' || line.startsWith('#')) continue;
    const split = line.indexOf('=');
    const name = split < 0 ? line : line.slice(0, split);
    const value = split < 0 ? '' : unquote(line.slice(split + 1));
    const option = findOption(declared, name);
    if (option === undefined) {
      // The name only: whatever stands behind it may be a secret.
      if (name !== 'nodename') warnings.push(`Parse error: Ignoring unknown option '${name.slice(0, 80)}'`);
      else if (value !== '') {
        refuseNul(name, value);
        nodename = value;
      }
      continue;
    }
    if (option.type !== 'boolean') {
      refuseNul(name, value);
      values.set(option.key, option.key === 'action' ? value.toLowerCase() : value);
      continue;
    }
    const flag = toBoolean(value);
    if (flag === null) {
      warnings.push(`Parse error: Ignoring option '${name}' because it does not have a boolean value`);
    } else {
      values.set(option.key, flag);
    }
  }
  return { values, nodename, warnings };
}

/** The internal key as it is written, or the long name with any mixture of hyphens and underscores. */
function findOption(declared: readonly FenceOption[], name: string): FenceOption | undefined {
  const hyphens = name.replaceAll('_', '-');
  return declared.find((option) => option.key === name || option.long === hyphens);
}

function unquote(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}
