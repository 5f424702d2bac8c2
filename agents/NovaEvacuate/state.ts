import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OcfContext } from '../../lib/ocf/index.ts';

/**
 * The files of a resource in `HA_RSCTMP`, which a reboot empties. `INSTANCE.active` says that the resource is
 * started on this node (the original's name for it); `INSTANCE.hints` holds what only saves repetition.
 */
export class StateFiles {
  readonly #directory: string;
  readonly #active: string;
  readonly #hints: string;

  constructor(ctx: Pick<OcfContext, 'stateDir' | 'instance'>) {
    this.#directory = ctx.stateDir;
    this.#active = join(ctx.stateDir, `${ctx.instance}.active`);
    this.#hints = join(ctx.stateDir, `${ctx.instance}.hints`);
  }

  /** The file that says "started". */
  get activeFile(): string {
    return this.#active;
  }

  async isActive(): Promise<boolean> {
    return stat(this.#active).then(
      () => true,
      () => false,
    );
  }

  /** Throws what the file system says when the directory cannot be written. */
  async activate(): Promise<void> {
    // Pacemaker's packages make it on boot; a manual call on a bare machine may be the first to need it.
    await mkdir(this.#directory, { recursive: true });
    await writeFile(this.#active, '', { mode: 0o600 });
  }

  async deactivate(): Promise<void> {
    await rm(this.#active, { force: true });
    await rm(this.#hints, { force: true });
  }

  /** `''` when there are none, or they cannot be read: they are not needed. */
  async readHints(): Promise<string> {
    return readFile(this.#hints, 'utf8').catch(() => '');
  }

  /** Written beside and renamed, so that a pass killed half-way leaves the old ones. */
  async writeHints(text: string): Promise<void> {
    const draft = `${this.#hints}.new`;
    await writeFile(draft, text, { mode: 0o600 });
    await rename(draft, this.#hints);
  }
}
