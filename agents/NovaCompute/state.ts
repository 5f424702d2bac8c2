import { existsSync, readFileSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { OcfContext } from '../../lib/ocf/index.ts';
import { errorCode } from '../../lib/system/errno.ts';
import { placeFile, replaceFile } from '../../lib/system/files.ts';
import { oneLine } from '../../lib/system/text.ts';

/**
 * Where the release of this host stands, as this resource knows it on this machine:
 * `held` = the resource is started, and nova-compute held back until it is safe to start it; `owed` = nova-compute was
 * started, and the release is to be walked; `settled` = Nova uses the host; `unknown` = nobody has looked since the machine booted
 * (a nova-compute that something else started, so that Pacemaker's probe found it running).
 */
export type ReleaseState = 'held' | 'owed' | 'settled' | 'unknown';

/**
 * The files of a resource in `HA_RSCTMP`, which a reboot empties: `INSTANCE.release` while the release of the host is
 * owed, `INSTANCE.settled` once it is not, `INSTANCE.said` what was logged already.
 *
 * Read and written synchronously: each is a few bytes on a tmpfs, and loading node:fs/promises costs an idle monitor
 * more than all of them.
 */
export class StateFiles {
  readonly #release: string;
  readonly #settled: string;
  readonly #said: string;

  constructor(ctx: Pick<OcfContext, 'stateDir' | 'instance'>) {
    const file = (suffix: string) => join(ctx.stateDir, `${ctx.instance}.${suffix}`);
    this.#release = file('release');
    this.#settled = file('settled');
    this.#said = file('said');
  }

  get release(): ReleaseState {
    const text = read(this.#release);
    if (text !== null) return text === heldText ? 'held' : 'owed';
    return existsSync(this.#settled) ? 'settled' : 'unknown';
  }

  /** When the release was settled, in ms since the epoch; null while it is not. */
  get settledAt(): number | null {
    if (this.release !== 'settled') return null;
    try {
      return statSync(this.#settled).mtimeMs;
    } catch {
      return null;
    }
  }

  /**
   * Must be there before nova-compute is started: whoever comes after a SIGKILL goes on with the release (I9). Throws
   * what the file system says when the directory cannot be written.
   */
  owe(): void {
    this.#writeRelease('');
  }

  /** Started, without nova-compute for now. Throws what the file system says. */
  hold(): void {
    this.#writeRelease(heldText);
  }

  /** Throws what the file system says. */
  settle(): void {
    placeFile(this.#settled, '', 0o600);
    rmSync(this.#release, { force: true });
  }

  /** As after a boot. Files that are not there are fine; others that cannot be removed throw. */
  forget(): void {
    for (const file of [this.#release, this.#settled, this.#said]) {
      try {
        unlinkSync(file);
      } catch (error) {
        if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error))) throw error;
      }
    }
  }

  /** What was said last about a topic; null when nothing, or when the notes cannot be read: they are not needed. */
  said(topic: string): string | null {
    return this.#notes().get(topic) ?? null;
  }

  /** Null forgets the topic. Notes that cannot be kept are repeated in the log, nothing else. */
  note(topic: string, text: string | null): void {
    const notes = this.#notes();
    if ((notes.get(topic) ?? null) === text) return;
    if (text === null) notes.delete(topic);
    else notes.set(topic, text);
    const lines = [...notes].map(([name, value]) => `${name}=${oneLine(value)}\n`);
    try {
      replaceFile(this.#said, lines.join(''), 0o600);
    } catch {
      return;
    }
  }

  #writeRelease(text: string): void {
    placeFile(this.#release, text, 0o600);
  }

  #notes(): Map<string, string> {
    let text = '';
    try {
      text = readFileSync(this.#said, 'utf8');
    } catch {
      return new Map();
    }
    const notes = new Map<string, string>();
    for (const line of text.split('\n')) {
      const at = line.indexOf('=');
      if (at > 0) notes.set(line.slice(0, at), line.slice(at + 1));
    }
    return notes;
  }
}

const heldText = 'held\n';

/** Null for a file that is not there, or cannot be read. */
function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** Logs a sentence unless it is what was said last about the topic, but for a request's id and for how long it took. */
export function sayOnce(
  files: StateFiles,
  topic: string,
  sentence: string,
  log: (sentence: string) => void,
): void {
  const gist = sentence.replace(/\breq-[0-9a-f-]+/g, 'req').replace(/\b\d+(\.\d+)? s\b/g, 'a while');
  if (files.said(topic) === gist) return;
  log(sentence);
  files.note(topic, gist);
}
