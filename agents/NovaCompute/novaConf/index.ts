import { rethrowUnless } from '../../../lib/rethrow.ts';
import { inWords } from '../../../lib/system/errno.ts';
import type { Machine } from '../runtime/machine.ts';
import type { ConfigFiles } from '../runtime/types.ts';
import { type Assignment, normalSection, parseIni, SyntaxProblem } from './parse.ts';
import { configFilesIn } from './places.ts';

/** The value of an option, and where it was set. */
export interface NovaConfValue {
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

/** nova.conf as nova-compute reads it. */
export interface NovaConf {
  /** `[DEFAULT] host`; null when it is not set: Nova takes the machine's own host name then. */
  readonly host: string | null;
  /** An option's value with `$name` put in, or null when no file sets it. `section` as in `[libvirt]`, or `DEFAULT`. */
  get(section: string, option: string): NovaConfValue | null;
  /** The same as a boolean; `fallback` when it is not set or is no boolean. */
  boolean(section: string, option: string, fallback: boolean): boolean;
  /** The files that were read, in order. */
  readonly files: readonly string[];
}

/** nova.conf cannot be had. The message is a sentence for the operator. */
export class NovaConfError extends Error {
  override readonly name = 'NovaConfError';
  readonly code: 'missing' | 'unreadable' | 'syntax';
  /** The file that is meant. */
  readonly file: string;

  constructor(code: NovaConfError['code'], file: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.file = file;
  }
}

type Files = Pick<Machine, 'read' | 'list'>;
/** What paths are commonly put together from, where no file sets it: its place in every packaged Nova. */
const DEFAULTS: Readonly<Record<string, string>> = { 'DEFAULT/state_path': '/var/lib/nova' };

/** `$$`, `$name`, `${name}`; a name may be `group.name` (`ConfigOpts.Template` in oslo_config/cfg.py). */
const REFERENCE = /\$(?:(\$)|([_a-z][._a-z0-9]*)|\{([_a-z][._a-z0-9]*)\})/gi;

/**
 * Reads nova.conf by the rules of oslo.config: later files override earlier ones, and within a file the last of
 * several. Throws {@link NovaConfError} when a file is missing, unreadable or broken.
 */
export function readNovaConf(where: ConfigFiles, machine: Files): NovaConf {
  const files = [
    ...where.files,
    ...where.directories.flatMap((directory) => attempt(directory, () => configFilesIn(directory, machine))),
  ];
  const options = new Map<string, NovaConfValue>();
  for (const file of files) {
    for (const { section, option, value, line } of parseFile(file, machine)) {
      options.set(`${section}/${option}`, { value, file, line });
    }
  }

  /** `within`: the options whose values are being put together, to end references that go in circles. */
  const resolve = (key: string, within: readonly string[]): string | null => {
    const value = options.get(key)?.value ?? DEFAULTS[key];
    if (value === undefined || within.includes(key)) return null;
    const inner = [...within, key];
    return value
      .replaceAll('\\$', '$$$$')
      .replace(REFERENCE, (whole, dollar?: string, plain?: string, braced?: string) => {
        if (dollar !== undefined) return '$';
        for (const candidate of candidates(plain ?? braced ?? '', sectionOf(key))) {
          const found = resolve(candidate, inner);
          if (found !== null) return found;
        }
        // What no file sets is left as it stands, for whoever reads the message.
        return whole;
      });
  };
  const get = (section: string, option: string): NovaConfValue | null => {
    const key = `${normalSection(section)}/${option}`;
    const found = options.get(key);
    return found === undefined ? null : { ...found, value: resolve(key, []) ?? found.value };
  };

  return {
    host: get('DEFAULT', 'host')?.value || null,
    get,
    boolean: (section, option, fallback) => {
      // oslo_config.types.Boolean
      const word = get(section, option)?.value.toLowerCase() ?? '';
      if (['true', '1', 'on', 'yes'].includes(word)) return true;
      return ['false', '0', 'off', 'no'].includes(word) ? false : fallback;
    },
    files,
  };
}

function sectionOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

/** Which options `$name` may mean inside a section (`StrSubWrapper` in oslo_config/cfg.py). */
function candidates(name: string, section: string): readonly string[] {
  const dot = name.indexOf('.');
  return dot < 0
    ? [`${section}/${name}`, `DEFAULT/${name}`]
    : [`${normalSection(name.slice(0, dot))}/${name.slice(dot + 1)}`];
}

function parseFile(file: string, machine: Files): readonly Assignment[] {
  const text = attempt(file, () => machine.read(file));
  if (text === null) {
    throw new NovaConfError(
      'missing',
      file,
      `The configuration of nova-compute cannot be read: ${file} does not exist.`,
    );
  }
  try {
    return parseIni(text);
  } catch (error) {
    rethrowUnless(error, SyntaxProblem);
    throw new NovaConfError(
      'syntax',
      file,
      `nova-compute cannot read its configuration: in ${file} line ${error.line}, ${error.message}.`,
      { cause: error },
    );
  }
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new NovaConfError(
      'unreadable',
      path,
      `The configuration of nova-compute cannot be read: ${path}: ${inWords(error)}.`,
      {
        cause: error,
      },
    );
  }
}
