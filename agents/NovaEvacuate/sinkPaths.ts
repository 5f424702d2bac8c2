import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { errorCode } from '../../lib/system/errno.ts';
import { defaultEventLog } from './report/eventLog.ts';
import { reasonOf } from './report/incident.ts';

/** The parameters that say where reports go, as given. */
export interface SinkPaths {
  readonly event_log: string;
  readonly metrics_dir: string;
  readonly alert: string;
}

/** What is wrong with the values on every node: a sentence each, without a full stop. */
export function wrongPaths(paths: SinkPaths): readonly string[] {
  return (['event_log', 'metrics_dir', 'alert'] as const)
    .filter((name) => paths[name] !== '' && !isAbsolute(paths[name]))
    .filter((name) => name !== 'event_log' || paths.event_log !== 'none')
    .map(
      (name) =>
        `${name} is "${paths[name].slice(0, 80)}"; it must be an absolute path${name === 'event_log' ? ' or none' : ''}`,
    );
}

/** What absolute paths lack on this machine, for now: a sentence each, without a full stop. */
export function missingHere({ event_log, metrics_dir, alert }: SinkPaths): readonly string[] {
  return [
    event_log === '' || event_log === 'none' ? null : wrongWith('event_log', event_log, checkEventLog),
    metrics_dir === '' ? null : wrongWith('metrics_dir', metrics_dir, checkDirectory),
    alert === '' ? null : wrongWith('alert', alert, checkProgram),
  ].filter((sentence) => sentence !== null);
}

function wrongWith(name: string, path: string, check: (path: string) => string | null): string | null {
  let why: string | null;
  try {
    why = check(path);
  } catch (error) {
    why = `cannot be used on this machine (${reasonOf(error)})`;
  }
  return why === null ? null : `${name} ${path} ${why}`;
}

/** The reporter's own rules: a plain file that is there or can be made; no default directory means no record. */
function checkEventLog(path: string): string | null {
  try {
    if (!lstatSync(path).isFile()) return 'is no plain file';
    accessSync(path, constants.W_OK);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    try {
      accessSync(dirname(path), constants.W_OK);
    } catch (missing) {
      if (path !== defaultEventLog || errorCode(missing) !== 'ENOENT') throw missing;
    }
  }
  return null;
}

function checkDirectory(path: string): string | null {
  if (!statSync(path).isDirectory()) return 'is no directory';
  accessSync(path, constants.W_OK);
  return null;
}

function checkProgram(path: string): string | null {
  if (!statSync(path).isFile()) return 'is no program';
  accessSync(path, constants.X_OK);
  return null;
}
