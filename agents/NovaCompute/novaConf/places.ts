import { isAbsolute, join } from 'node:path';
import type { Machine } from '../runtime/machine.ts';
import type { ConfigFiles } from '../runtime/types.ts';

/**
 * The configuration that a nova-compute with this command line reads, as oslo.config does (`_parse_config_files` in
 * oslo_config/cfg.py): what `--config-file` and `--config-dir` say, in their order; each of the two that is not given
 * at all has its defaults, which are read before. `home` is of the user that it runs as, `workingDirectory` what
 * relative paths are relative to.
 */
export function configFilesOf(
  argv: readonly string[],
  home: string,
  files: Pick<Machine, 'exists' | 'list'>,
  workingDirectory = '/',
): ConfigFiles {
  const given = givenPlaces(argv).map(({ kind, path }) => {
    const expanded = path.startsWith('~/') ? join(home, path.slice(2)) : path;
    return { kind, path: isAbsolute(expanded) ? expanded : join(workingDirectory, expanded) };
  });
  const byDefault = defaultPlaces(home, files);
  if (given.length === 0) return byDefault;
  const has = (kind: Place['kind']): boolean => given.some((place) => place.kind === kind);
  const places: readonly Place[] = [
    ...(has('file') ? [] : byDefault.files.map((path) => ({ kind: 'file' as const, path }))),
    ...(has('directory') ? [] : byDefault.directories.map((path) => ({ kind: 'directory' as const, path }))),
    ...given,
  ];
  // A later place overrides an earlier one, whichever of the two it is.
  const lastFile = places.findLastIndex(({ kind }) => kind === 'file');
  return {
    files: places
      .slice(0, lastFile + 1)
      .flatMap(({ kind, path }) => (kind === 'file' ? [path] : configFilesIn(path, files))),
    directories: places.slice(lastFile + 1).map(({ path }) => path),
  };
}

/** The files of a configuration directory in the order in which oslo.config reads them. */
export function configFilesIn(directory: string, files: Pick<Machine, 'list'>): readonly string[] {
  return files
    .list(directory)
    .filter((name) => name.endsWith('.conf') && !name.startsWith('.'))
    .map((name) => join(directory, name));
}

/**
 * Where oslo.config looks for `nova` and `nova-compute` when the command line does not say (`find_config_files`,
 * `find_config_dirs`): of each, the first that exists. `nova-dist.conf` is the packager's, in RDO, and comes first.
 */
function defaultPlaces(home: string, files: Pick<Machine, 'exists'>): ConfigFiles {
  const first = (name: string): readonly string[] =>
    [join(home, '.nova'), home, '/etc/nova', '/etc']
      .map((directory) => join(directory, name))
      .filter((path) => files.exists(path))
      .slice(0, 1);
  const packaged = '/usr/share/nova/nova-dist.conf';
  const found = [...first('nova.conf'), ...first('nova-compute.conf')];
  return {
    // Named though it is not there: that it is missing is what the operator has to be told.
    files: [
      ...(files.exists(packaged) ? [packaged] : []),
      ...(found.length > 0 ? found : ['/etc/nova/nova.conf']),
    ],
    directories: [...first('nova.conf.d'), ...first('nova-compute.conf.d')],
  };
}

interface Place {
  readonly kind: 'file' | 'directory';
  readonly path: string;
}

function givenPlaces(argv: readonly string[]): readonly Place[] {
  const places: Place[] = [];
  argv.forEach((word, at) => {
    const match = /^--config-(file|dir)(?:=(.*))?$/s.exec(word);
    const path = match?.[2] ?? argv[at + 1];
    if (match === null || path === undefined || path === '') return;
    places.push({ kind: match[1] === 'file' ? 'file' : 'directory', path });
  });
  return places;
}
