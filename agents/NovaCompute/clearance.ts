import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { NovaHost } from '@openstack-ts/nova-client';
import { placeFile } from '../../lib/system/files.ts';

/** More than a note has; what is larger is none. */
const longestNote = 1_000;
const bootIdFile = '/proc/sys/kernel/random/boot_id';

/**
 * What `wait` keeps in `HA_RSCTMP`, which a reboot empties: that the cluster has let nova-compute start, and the word of an operator
 * who says so in its place. Of no resource: a machine has one nova-compute, and whoever calls `wait` has none.
 */
export class Clearance {
  /** Where an operator says that nova-compute may start. */
  readonly word: string;
  readonly #note: string;
  readonly #bootId: string;
  /** Where the note cannot be removed, this process at least goes by it no more. */
  #isWithdrawn = false;

  constructor(stateDir: string, bootId: string = thisBoot()) {
    this.word = join(stateDir, 'nova-compute.start-anyway');
    this.#note = join(stateDir, 'nova-compute.cleared');
    this.#bootId = bootId;
  }

  /**
   * When the cluster last let nova-compute of this host start, as a time of ISO 8601; null: never since the machine booted, or it
   * has said something else since.
   */
  clearedAt(host: NovaHost): string | null {
    if (this.#isWithdrawn) return null;
    try {
      const facts = statSync(this.#note);
      // A FIFO would be waited for.
      if (!facts.isFile() || facts.size > longestNote) return null;
      const [boot, name, at = ''] = readFileSync(this.#note, 'utf8').trim().split(' ');
      const isOurs = boot === this.#bootId && name === host && this.#bootId !== '';
      return isOurs && !Number.isNaN(Date.parse(at)) ? at : null;
    } catch {
      return null;
    }
  }

  /** A note that cannot be kept has the next wait take longer, and no more. */
  clear(host: NovaHost, now: number): void {
    try {
      placeFile(this.#note, `${this.#bootId} ${host} ${new Date(now).toISOString()}\n`, 0o600);
    } catch {
      return;
    }
  }

  /** The host is being evacuated. */
  withdraw(): void {
    this.#isWithdrawn = true;
    removeIfPossible(this.#note);
  }

  /** When an operator gave the word, in ms since the epoch; null: there is none. */
  get wordAt(): number | null {
    try {
      return statSync(this.word).mtimeMs;
    } catch {
      return null;
    }
  }

  /** A word is about one start. One that cannot be removed counts no longer than for its ten minutes. */
  useWord(): void {
    removeIfPossible(this.word);
  }
}

function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true, recursive: true });
  } catch {
    return;
  }
}

/** Differs from boot to boot; empty where the kernel does not tell. */
function thisBoot(): string {
  try {
    return readFileSync(bootIdFile, 'utf8').trim();
  } catch {
    return '';
  }
}
