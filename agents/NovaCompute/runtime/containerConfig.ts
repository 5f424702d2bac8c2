import { posix } from 'node:path';
import { isRecord } from '../../../lib/system/isRecord.ts';
import { NovaConfError } from '../novaConf/index.ts';
import type { Machine } from './machine.ts';
import type { ConfigFiles } from './types.ts';

export interface ContainerMount {
  /** On this machine. */
  readonly source: string;
  /** In the container. */
  readonly destination: string;
}

type Files = Pick<Machine, 'exists' | 'read' | 'list'>;

/** Where Kolla's images look for what to copy into place when they start (kolla/docker/base/set_configs.py). */
const KOLLA = '/var/lib/kolla/config_files';

/**
 * Where deployments without a `config.json` that can be read keep the nova.conf that a container is given, as paths in the
 * container: a plain /etc/nova; the copies that Kolla's images take, by TripleO (a whole tree) and by Kolla itself (single files).
 */
const PLACES = ['/etc/nova', `${KOLLA}/src/etc/nova`, KOLLA];

/**
 * Where the nova.conf that nova-compute reads in a container lies on this machine: as the `config.json` of Kolla's images maps
 * it (TripleO, Kolla, RHOSO's data plane), else where deployments are known to keep it. Throws `NovaConfError`.
 */
export function configFilesInContainer(
  mounts: readonly ContainerMount[],
  machine: Files,
  title: string,
): ConfigFiles {
  const mapped = mappedByKolla(mounts, machine);
  if (mapped.length > 0) return { files: mapped, directories: [] };
  for (const place of PLACES) {
    const existing = (name: string): readonly string[] => {
      const found = onThisMachine(mounts, `${place}/${name}`);
      return found !== null && machine.exists(found) ? [found] : [];
    };
    if (existing('nova.conf').length === 0 && existing('nova.conf.d').length === 0) continue;
    return {
      files: [...existing('nova.conf'), ...existing('nova-compute.conf')],
      directories: [...existing('nova.conf.d'), ...existing('nova-compute.conf.d')],
    };
  }
  throw new NovaConfError(
    'missing',
    `${PLACES[0]}/nova.conf`,
    `No nova.conf was found in what is mounted into the ${title}; looked for in ${PLACES.join(', ')}.`,
  );
}

/** The path on this machine of a path in the container, by the innermost mount; null when it is in the image. */
function onThisMachine(mounts: readonly ContainerMount[], path: string): string | null {
  const [mount] = mounts
    .filter(({ destination }) => path === destination || path.startsWith(`${destination}/`))
    .sort((a, b) => b.destination.length - a.destination.length);
  return mount === undefined ? null : mount.source + path.slice(mount.destination.length);
}

/** One copy that `config.json` asks for, as paths in the container. */
interface Copy {
  /** The last part may hold `*`. */
  readonly source: string;
  /** Ends with a slash where it is a directory. */
  readonly dest: string;
}

/** The files that are copied to where nova-compute reads, in the order in which it reads them. */
function mappedByKolla(mounts: readonly ContainerMount[], machine: Files): readonly string[] {
  const placed = new Map<string, string>();
  for (const copy of copiesOf(mounts, machine)) {
    for (const [from, to] of filesOf(copy, mounts, machine)) placed.set(to, from);
  }
  const file = (path: string): readonly string[] => {
    const from = placed.get(path);
    return from === undefined ? [] : [from];
  };
  const directory = (path: string): readonly string[] =>
    [...placed]
      .filter(([to]) => posix.dirname(to) === path && to.endsWith('.conf'))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, from]) => from);
  return [
    ...file('/etc/nova/nova.conf'),
    ...file('/etc/nova/nova-compute.conf'),
    ...directory('/etc/nova/nova.conf.d'),
    ...directory('/etc/nova/nova-compute.conf.d'),
  ];
}

/** None where there is no `config.json`, or one that nobody can make sense of: then the known places decide. */
function copiesOf(mounts: readonly ContainerMount[], machine: Files): readonly Copy[] {
  const path = onThisMachine(mounts, `${KOLLA}/config.json`);
  const text = path === null ? null : machine.read(path);
  if (text === null) return [];
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    return [];
  }
  const copies: unknown = isRecord(config) ? config['config_files'] : [];
  return (Array.isArray(copies) ? copies : []).flatMap((each: unknown) => {
    if (!isRecord(each)) return [];
    const { source, dest } = each;
    return typeof source === 'string' && typeof dest === 'string' ? [{ source, dest }] : [];
  });
}

/** What a copy puts where nova-compute reads: pairs of a path on this machine and one in the container. */
function filesOf(
  { source, dest }: Copy,
  mounts: readonly ContainerMount[],
  machine: Files,
): readonly (readonly [string, string])[] {
  const directory = posix.dirname(source);
  const pattern = new RegExp(
    `^${posix
      .basename(source)
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
  const isGlob = /[*?]/.test(posix.basename(source));
  if (!isGlob && !dest.endsWith('/')) {
    const from = onThisMachine(mounts, source);
    return from !== null && machine.exists(from) ? [[from, dest]] : [];
  }
  const base = onThisMachine(mounts, directory);
  if (base === null) return [];
  const target = dest.replace(/\/+$/, '');
  const names = machine.list(base).filter((name) => pattern.test(name));
  const trees = names.map((name) => [`${base}/${name}`, `${target}/${name}`] as const);
  // A copied directory (TripleO copies a tree, to /) brings what lies below it.
  const below = ['/etc/nova', '/etc/nova/nova.conf.d', '/etc/nova/nova-compute.conf.d'].flatMap((wanted) =>
    trees.flatMap(([from, to]) => {
      if (wanted !== to && !wanted.startsWith(`${to}/`)) return [];
      const place = from + wanted.slice(to.length);
      return machine.list(place).map((name) => [`${place}/${name}`, `${wanted}/${name}`] as const);
    }),
  );
  return [...trees.filter(([, to]) => posix.dirname(to).startsWith('/etc/nova')), ...below];
}

/**
 * The mounts that a `podman run` or `docker run` gives its container (`-v`, `--volume`, `--mount type=bind`), as its unit's
 * command line has them.
 */
export function mountsOfCommand(argv: readonly string[]): readonly ContainerMount[] {
  return argv.flatMap((word, at) => {
    const match = /^(-v|--volume|--mount)(?:=(.*))?$/s.exec(word);
    const value = match?.[2] ?? argv[at + 1];
    if (match === null || value === undefined) return [];
    const [source, destination] = match[1] === '--mount' ? ofMount(value) : value.split(':');
    if (source === undefined || destination === undefined || !source.startsWith('/')) return [];
    return [{ source: bare(source), destination: bare(destination) }];
  });
}

/** `type=bind,source=/a,target=/b,ro` */
function ofMount(value: string): readonly (string | undefined)[] {
  const options = new Map(value.split(',').map((each) => [each.split('=')[0] ?? '', each.split('=')[1]]));
  const first = (...names: readonly string[]) => names.map((name) => options.get(name)).find(Boolean);
  return options.get('type') === 'bind'
    ? [first('source', 'src'), first('destination', 'dst', 'target')]
    : [];
}

/** Without the slash at its end that some deployments write. */
export function bare(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}
