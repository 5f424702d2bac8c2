import { FenceError, type FenceOption } from './declarations.ts';
import type { ParsedOptions } from './options.ts';

/**
 * Reads a command line by the rules of GNU getopt_long: options and other words may mix, `--` ends the options, a
 * long option may be cut to a unique prefix, short ones may be joined (`-vvo off`, `-ooff`), the last of several
 * counts. Words that are no options are warned of and ignored. Throws {@link FenceError}; messages are fence-agents'.
 *
 * yargs and node:util's parseArgs know neither prefixes nor that a value is missing, and Pacemaker's users have scripts
 * that rely on both; so this is our own.
 */
export function parseArgv(declared: readonly FenceOption[], argv: readonly string[]): ParsedOptions {
  const found = new Found();
  const strays: string[] = [];
  const words = argv.values();
  for (const word of words) {
    if (word === '--') strays.push(...words);
    else if (word.startsWith('--')) readLong(declared, word.slice(2), words, found);
    else if (word.startsWith('-') && word !== '-') readCluster(declared, word.slice(1), words, found);
    else strays.push(word);
  }
  const warnings =
    strays.length === 0
      ? []
      : [`Unused arguments on command line: ${strays.map((word) => `'${word}'`).join(', ')}`];
  return { values: found.values, nodename: null, warnings };
}

/** What the command line said so far. */
class Found {
  readonly values = new Map<string, string | boolean>();

  flag(option: FenceOption): void {
    this.values.set(option.key, true);
  }

  value(option: FenceOption, text: string): void {
    refuseNul(option.long, text);
    this.values.set(option.key, option.key === 'action' ? text.toLowerCase() : text);
  }
}

/** `name`, `name=value` or `name value`. */
function readLong(
  declared: readonly FenceOption[],
  word: string,
  words: Iterator<string>,
  found: Found,
): void {
  const split = word.indexOf('=');
  const option = findLong(declared, split < 0 ? word : word.slice(0, split));
  const attached = split < 0 ? null : word.slice(split + 1);
  if (option.type !== 'boolean') found.value(option, attached ?? next(words, `--${option.long}`));
  else if (attached === null) found.flag(option);
  else throw refuse(`option --${option.long} must not have an argument`);
}

/** `v`, `vv`, `ooff`, `vvo off`: flags, up to the first letter that takes what follows for its value. */
function readCluster(
  declared: readonly FenceOption[],
  letters: string,
  words: Iterator<string>,
  found: Found,
): void {
  for (const [index, letter] of [...letters].entries()) {
    const option = declared.find((each) => each.short === letter);
    if (option === undefined) throw refuse(`option -${letter} not recognized`);
    if (option.type === 'boolean') {
      found.flag(option);
      continue;
    }
    const rest = [...letters].slice(index + 1).join('');
    found.value(option, rest === '' ? next(words, `-${letter}`) : rest);
    return;
  }
}

/** Values go on to child processes and files, whose names and arguments cannot hold this character. */
export function refuseNul(name: string, text: string): void {
  if (text.includes('\0')) throw refuse(`the value of ${name} holds a NUL character`);
}

function findLong(declared: readonly FenceOption[], name: string): FenceOption {
  const exact = declared.find((option) => option.long === name);
  if (exact !== undefined) return exact;
  const [first, ...others] = name === '' ? [] : declared.filter((option) => option.long.startsWith(name));
  if (first === undefined) throw refuse(`option --${name} not recognized`);
  if (others.length > 0) {
    const candidates = [first, ...others].map((option) => `--${option.long}`).join(', ');
    throw refuse(`option --${name} not a unique prefix (${candidates})`);
  }
  return first;
}

function next(words: Iterator<string>, option: string): string {
  const word = words.next();
  if (word.done === true) throw refuse(`option ${option} requires argument`);
  return word.value;
}

function refuse(what: string): FenceError {
  return new FenceError(`Parse error: ${what}`, { usage: true });
}
