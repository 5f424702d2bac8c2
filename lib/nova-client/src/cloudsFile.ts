/** The files that connections are kept in: finding them, reading them, and what stands in them under a name. */
import { Field, isRecord, WrongShape } from './decode.ts';
import { NovaError } from './errors.ts';
import { fileReason } from './fileReason.ts';
import { fileWithin } from './fileWithin.ts';
import type { Environment } from './proxy.ts';
import { tellable } from './secrets.ts';

export interface CloudsFile {
  readonly path: string;
  readonly content: Field;
}

/** `clouds`: the entries; `secure`: the same with what is secret; `clouds-public`: the profiles that entries build on. */
export type CloudsFileKind = 'clouds' | 'secure' | 'clouds-public';

/** The text of a file, or null where there is none. */
export type ReadFile = (path: string) => Promise<string | null>;

/** Where openstackclient looks, but for the current directory, which is Pacemaker's for an agent. */
export function placesOf(
  kind: CloudsFileKind,
  explicit: string | undefined,
  env: Environment,
): readonly string[] {
  if (explicit) return [explicit];
  const home = env['XDG_CONFIG_HOME'] || (env['HOME'] ? `${env['HOME']}/.config` : null);
  return [...(home === null ? [] : [`${home}/openstack`]), '/etc/openstack'].flatMap((directory) => [
    `${directory}/${kind}.yaml`,
    `${directory}/${kind}.yml`,
  ]);
}

/** The first that is there. */
export async function firstFile(paths: readonly string[], read: ReadFile): Promise<CloudsFile | null> {
  for (const path of paths) {
    const text = await read(path);
    if (text !== null) return { path, content: new Field(await parseYaml(path, text)) };
  }
  return null;
}

export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await fileWithin(path, process.getBuiltinModule('node:fs/promises').readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof NovaError) throw error;
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new NovaError('config', `${path} cannot be read: ${fileReason(error)}`);
  }
}

/** What stands under `section` and the name; null where nothing does. */
export function entryOf(
  file: CloudsFile,
  name: string,
  section: 'clouds' | 'public-clouds' = 'clouds',
): Field | null {
  return shaped(file.path, () => {
    if (file.content.isNothing) return null;
    const entries = file.content.get(section);
    return !entries.isNothing && entries.has(name) ? entries.get(name) : null;
  });
}

/** The entry, or an error that names those which the file has. */
export function findEntry(file: CloudsFile, name: string): Field {
  const found = entryOf(file, name);
  if (found !== null) return found;
  const names = shaped(file.path, () => {
    const entries = file.content.isNothing ? file.content : file.content.get('clouds');
    return entries.isNothing ? [] : [...entries.keys()].sort();
  });
  const shown = names.slice(0, 20).map((each) => tellable(each, 80));
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  const has = names.length === 0 ? 'it has no entry under clouds' : `it has ${shown.join(', ')}${more}`;
  throw new NovaError('config', `${file.path} has no cloud ${tellable(name, 80)}: ${has}`);
}

/** A wrong shape as an error that names the file. No value is quoted: it may be a secret that stands in the wrong place. */
export function shaped<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof WrongShape)) throw error;
    const where = error.where === '' ? 'the whole' : error.where;
    throw new NovaError('config', `In ${path}, ${where} is ${error.found}, ${error.expected} was expected`);
  }
}

/** Mappings are merged, all else of `above` replaces what is below, as openstackclient lays secure.yaml over clouds.yaml. */
export function merge(below: unknown, above: unknown): unknown {
  if (above === undefined || above === null) return below;
  if (!isRecord(below) || !isRecord(above)) return above;
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) merged[key] = merge(merged[key], value);
  return merged;
}

/** Tags of YAML's own kinds of scalars. They say nothing to us: all of them are text as it is written. */
const ownTag = /tag:yaml\.org,2002:(int|float|bool|timestamp)$/;

/**
 * Every scalar as the text that is written, but for `~`, `null` and nothing at all: a password `0123`, `1e10` or `1.50` is
 * no number. Merge keys are followed, and of two equal keys the last counts, as in PyYAML, which openstackclient reads with.
 * The parser's own sentences quote the text, which may hold a password; they are replaced.
 */
async function parseYaml(path: string, text: string): Promise<unknown> {
  // A parser that only those pay for who keep their connections in a file.
  const { parseDocument, visit } = await import('yaml');
  const document = parseDocument(text, {
    prettyErrors: false,
    logLevel: 'silent',
    schema: 'failsafe',
    customTags: (tags) => [...tags, 'null'],
    merge: true,
    uniqueKeys: false,
  });
  const lineAt = (position: number) => text.slice(0, position).split('\n').length;
  const refuse = (position: number, why: string) =>
    new NovaError('config', `${path} is not YAML: line ${lineAt(position)} (${why})`);
  const first = document.errors[0];
  if (first !== undefined) throw refuse(first.pos[0], first.code);
  const tag = document.warnings.find(
    ({ code, message }) => code === 'TAG_RESOLVE_FAILED' && !ownTag.test(message),
  );
  if (tag !== undefined) {
    throw refuse(tag.pos[0], 'a value that begins with ! has to stand in quotation marks');
  }
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return;
      throw refuse(alias.range?.[0] ?? 0, 'a value that begins with * has to stand in quotation marks');
    },
    Scalar: (_, { anchor, value, range }) => {
      if (anchor === undefined || value !== null) return;
      throw refuse(range?.[0] ?? 0, 'a value that begins with & has to stand in quotation marks');
    },
  });
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw new NovaError('config', `${path} cannot be used: its aliases or merge keys lead nowhere`);
  }
}
