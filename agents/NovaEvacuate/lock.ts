import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import type { Server } from 'node:net';
import { uptime } from 'node:os';
import { join } from 'node:path';

/** Of a lock: ours until it is released or this process dies, or another's. */
export type Lock =
  | { readonly kind: 'held'; release(): void }
  /** `pid`: whose it is; `heldMs`: for how long. */
  | { readonly kind: 'taken'; readonly pid: number; readonly heldMs: number };

/** The directory of the locks cannot be used, or is not ours alone. A sentence says what to do. */
export class LockError extends Error {
  override readonly name = 'LockError';
}

/** Two that come at the same moment see each other, and both step back: they try again after a random pause, in ms. */
const attempts = 3;
const longestPauseMs = 120;
/** One that came this shortly before may be about to step back, in ms. */
const freshMs = 2_000;
/** What a process left that was killed before its entry was complete is swept away after this long, in ms. */
const draftMs = 60_000;

/** `DIGEST-PID-SECOND-RANDOM`: the second of the machine's uptime at which it was taken, as clocks may step. */
const entryPattern = /^([0-9a-f]{16})-(\d{1,10})-(\d{1,12})-[0-9a-f]{12}$/;
const draftPrefix = 'draft-';

/**
 * One at a time on a node, for whatever is named. A second pass (an operator's manual `monitor` beside the cluster's) would
 * take the claim of the first for that of a killed predecessor.
 *
 * Each contender makes an entry, a UNIX socket of a name never used again, in a directory that its user alone may enter, and
 * then looks for others there: one that can be connected to is alive, and whoever sees such a one steps back. An entry appears
 * (by renaming) only once its socket listens, so of two contenders at least one sees the other; and it ends to listen
 * at the very moment its process dies, SIGKILL included, so that the lock is free without anything being cleaned up. What
 * does not listen is dead for ever, and may be removed by anybody. Throws {@link LockError}.
 *
 * @param directory where this kind of agent keeps its run state (`HA_RSCTMP`); the locks are in a directory below it
 */
export async function lockNode(directory: string, name: string): Promise<Lock> {
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 16);
  const place = openPlace(join(directory, 'NovaEvacuate.locks'));
  for (let attempt = 1; ; attempt += 1) {
    const lock = await contend(place, digest);
    if (lock.kind === 'held') {
      return {
        kind: 'held',
        release: () => {
          lock.release();
          place.close();
        },
      };
    }
    if (attempt === attempts || lock.heldMs > freshMs) {
      place.close();
      return lock;
    }
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * (longestPauseMs - 20)));
  }
}

/** A directory that was opened, so that nobody can put another in its place. */
interface Place {
  /** A path through the open directory: short, as the kernel bounds those of sockets to 107 bytes. */
  path(entry: string): string;
  close(): void;
}

function openPlace(directory: string): Place {
  let descriptor: number;
  try {
    mkdirSync(join(directory, '..'), { recursive: true });
    try {
      mkdirSync(directory, { mode: 0o700 });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    const why = codeOf(error) === 'ENOTDIR' || codeOf(error) === 'ELOOP' ? 'it is no directory' : said(error);
    throw new LockError(`The directory of locks ${directory} cannot be used (${why})`);
  }
  try {
    const { uid, mode } = fstatSync(descriptor);
    if (uid !== process.geteuid?.()) {
      throw new LockError(
        `The directory of locks ${directory} belongs to another user (${uid}); remove it: rm -r ${directory}`,
      );
    }
    // Whatever the group or others may do there.
    if (mode % 0o100 !== 0) fchmodSync(descriptor, 0o700);
  } catch (error) {
    closeSync(descriptor);
    if (error instanceof LockError) throw error;
    throw new LockError(`The directory of locks ${directory} cannot be used (${said(error)})`);
  }
  return {
    path: (entry) => `/proc/self/fd/${descriptor}/${entry}`,
    close: () => closeSync(descriptor),
  };
}

/** One attempt. */
async function contend(place: Place, digest: string): Promise<Lock> {
  const random = randomBytes(6).toString('hex');
  const draft = `${draftPrefix}${process.pid}-${random}`;
  const entry = `${digest}-${process.pid}-${Math.floor(uptime())}-${random}`;
  const server = await listen(place.path(draft));
  const release = () => {
    rmSync(place.path(entry), { force: true });
    server.close();
  };
  try {
    renameSync(place.path(draft), place.path(entry));
    const other = await findOther(place, digest, entry);
    if (other === null) return { kind: 'held', release };
    release();
    return other;
  } catch (error) {
    release();
    throw new LockError(`The lock of this node cannot be taken (${said(error)})`);
  }
}

/** Another's lock of this name, of which there is one at most; the dead are removed. */
async function findOther(
  place: Place,
  digest: string,
  own: string,
): Promise<Extract<Lock, { kind: 'taken' }> | null> {
  for (const entry of readdirSync(place.path('.'))) {
    if (entry === own) continue;
    if (entry.startsWith(draftPrefix)) {
      sweep(place, entry);
      continue;
    }
    const [, of, pid, second] = entryPattern.exec(entry) ?? [];
    if (of !== digest || pid === undefined || second === undefined) continue;
    // From a time when the directory stood open.
    const isOurs = lstatSync(place.path(entry), { throwIfNoEntry: false })?.uid === process.geteuid?.();
    if (isOurs && (await isAlive(place.path(entry)))) {
      const heldMs = Math.max(0, uptime() - Number(second)) * 1000;
      return { kind: 'taken', pid: Number(pid), heldMs };
    }
    rmSync(place.path(entry), { force: true });
  }
  return null;
}

function sweep(place: Place, draft: string): void {
  try {
    if (Date.now() - lstatSync(place.path(draft)).mtimeMs > draftMs)
      rmSync(place.path(draft), { force: true });
  } catch {
    // It has become an entry meanwhile.
  }
}

async function listen(path: string): Promise<Server> {
  const { createServer } = await import('node:net');
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new LockError(`The lock of this node cannot be taken (${said(error)})`)),
    );
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** Whether a process listens there. What cannot be told counts as alive. */
async function isAlive(path: string): Promise<boolean> {
  const { connect } = await import('node:net');
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(!['ECONNREFUSED', 'ENOENT'].includes(codeOf(error) ?? '')));
  });
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
