import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import type { EvacuationEvent } from '../../../lib/evacuation/tell/events.ts';
import { errorCode } from '../../../lib/system/errno.ts';
import { incidentId, isoTime, reasonOf } from './incident.ts';

/** The default of the parameter `event_log`; its directory comes with Pacemaker's packages. */
export const defaultEventLog = '/var/log/pacemaker/evacuations.jsonl';

/** The size at which a file becomes `.1`, in bytes, and how many such predecessors are kept. */
const maxBytes = 1_000_000;
const predecessors = 3;
/** What one member of a record may take, in characters: a fault's text may be as long as a traceback. */
const maxText = 4_000;

export interface EventLogOptions {
  readonly path: string;
  /** Who tells it. */
  readonly node: string;
  readonly log: { debug(sentence: string): void };
  readonly onTrouble: (sentence: string) => void;
}

/**
 * The record of events: one JSON object per line, for people and their tools. Every line is appended with a single
 * call to a file opened anew, so that several passes may write at once and the file may be rotated, truncated or
 * replaced at any time by anybody. A symbolic link, or anything else that is no plain file, is not written to: the
 * agent is root, and the directory belongs to Pacemaker's user.
 */
export class EventLog {
  readonly #options: EventLogOptions;
  /** The default directory is not there: this machine keeps no such logs. */
  #off = false;

  constructor(options: EventLogOptions) {
    this.#options = options;
  }

  write(event: EvacuationEvent): void {
    const { path, onTrouble, log } = this.#options;
    if (this.#off) return;
    if (!isAbsolute(path)) {
      this.#off = true;
      onTrouble(`event_log is "${path}", which is no absolute path, so evacuations are not recorded.`);
      return;
    }
    try {
      append(path, Buffer.from(`${formatEvent(event, this.#options.node)}\n`));
    } catch (error) {
      if (errorCode(error) === 'ENOENT' && path === defaultEventLog) {
        this.#off = true;
        log.debug(`There is no directory ${dirname(path)}, so evacuations are not recorded.`);
        return;
      }
      onTrouble(
        `The event log ${path} cannot be written (${why(error)}); evacuations go on without this record.`,
      );
    }
  }
}

/** A record as JSON without line breaks. */
export function formatEvent(event: EvacuationEvent, node: string): string {
  const common = {
    time: isoTime(event.at),
    node,
    host: event.host,
    incident: incidentId(event),
    about: event.about,
    what: event.what,
  };
  if (event.about === 'host') {
    const { counts } = event;
    return JSON.stringify({ ...common, ...(counts && { counts }), sentence: short(event.sentence) });
  }
  return JSON.stringify({
    ...common,
    instance: event.id,
    name: short(event.name),
    attempt: event.attempt,
    destination: event.destination,
    requestId: event.requestId,
    durationMs: event.durationMs,
    sentence: short(event.sentence),
  });
}

function short(text: string): string {
  return text.length > maxText ? `${text.slice(0, maxText - 1)}…` : text;
}

function append(path: string, line: Buffer): void {
  let fd = openForAppend(path);
  try {
    const size = fstatSync(fd).size;
    if (size > 0 && size + line.length > maxBytes) {
      closeSync(fd);
      fd = -1;
      rotate(path);
      fd = openForAppend(path);
    }
    // After a full disk, or a kill, the file may end in half a line, which must not swallow this one.
    const whole = isTorn(fd) ? Buffer.concat([Buffer.from('\n'), line]) : line;
    const written = writeSync(fd, whole);
    if (written < whole.length) throw new Error(`only ${written} of ${whole.length} bytes could be written`);
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

/** Readable as well, for its last byte. Throws what the file system says, or that it is no plain file. */
function openForAppend(path: string): number {
  const { O_RDWR, O_APPEND, O_NOFOLLOW, O_NONBLOCK, O_CREAT, O_EXCL } = constants;
  // A FIFO that nobody reads must not hold up the pass.
  const flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK;
  let fd: number;
  try {
    fd = openSync(path, flags);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    fd = create(path, flags | O_CREAT | O_EXCL) ?? openSync(path, flags);
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new Error('it is no plain file');
}

/** Null when somebody else made it first. */
function create(path: string, flags: number): number | null {
  try {
    const fd = openSync(path, flags, 0o640);
    // Whatever the umask is. An operator's own mode of a file that is there is left as it is.
    fchmodSync(fd, 0o640);
    return fd;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return null;
  }
}

/** Whether the file ends in half a line that nobody is just writing: one write may be seen growing page by page. */
function isTorn(fd: number): boolean {
  const last = Buffer.alloc(1);
  for (let looks = 0; looks < 3; looks += 1) {
    const { size } = fstatSync(fd);
    if (size === 0 || readSync(fd, last, 0, 1, size - 1) === 0 || last[0] === 0x0a) return false;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3);
  }
  return true;
}

/** Renaming replaces a symbolic link itself, never what it leads to. */
function rotate(path: string): void {
  for (let number = predecessors - 1; number >= 0; number -= 1) {
    try {
      renameSync(number === 0 ? path : `${path}.${number}`, `${path}.${number + 1}`);
    } catch (error) {
      // One that is not there: younger than that, or another pass was a moment faster.
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }
}

function why(error: unknown): string {
  return errorCode(error) === 'ELOOP' ? 'it is a symbolic link' : reasonOf(error);
}
