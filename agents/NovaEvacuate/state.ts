import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { OcfContext } from '../../lib/ocf/index.ts';
import { placeFile, replaceFile } from '../../lib/system/files.ts';

/** What `INSTANCE.active` holds until the first monitor. */
const newText = 'new\n';

/**
 * The files of a resource in `HA_RSCTMP`, which a reboot empties. `INSTANCE.active` says that the resource is
 * started on this node (the original's name for it); `INSTANCE.hints` holds what only saves repetition.
 *
 * Files are read and written synchronously: each is a few bytes on a tmpfs, and loading node:fs/promises costs an
 * idle pass more than all of them.
 */
export class StateFiles {
  readonly #active: string;
  readonly #hints: string;

  constructor(ctx: Pick<OcfContext, 'stateDir' | 'instance'>) {
    this.#active = join(ctx.stateDir, `${ctx.instance}.active`);
    this.#hints = join(ctx.stateDir, `${ctx.instance}.hints`);
  }

  /** The file that says "started". */
  get activeFile(): string {
    return this.#active;
  }

  async isActive(): Promise<boolean> {
    return existsSync(this.#active);
  }

  /** Throws what the file system says when the directory cannot be written. */
  async activate(): Promise<void> {
    placeFile(this.#active, newText, 0o600);
  }

  /** Whether this is the first monitor since the start; true once. */
  isFirst(): boolean {
    try {
      if (readFileSync(this.#active, 'utf8') !== newText) return false;
      replaceFile(this.#active, '', 0o600);
      return true;
    } catch {
      return false;
    }
  }

  async deactivate(): Promise<void> {
    // Whatever stands there: a stop that fails has the node fenced.
    for (const path of [this.#active, this.#hints]) rmSync(path, { force: true, recursive: true });
  }

  /** `''` when there are none, or they cannot be read: they are not needed. */
  async readHints(): Promise<string> {
    try {
      return readFileSync(this.#hints, 'utf8');
    } catch {
      return '';
    }
  }

  /** Written beside and renamed, so that a pass killed half-way leaves the old ones. */
  writeHints(text: string): void {
    replaceFile(this.#hints, text, 0o600);
  }
}

/**
 * Whether the text of hints, as `formatHints` writes it, is that of a time when no host bears a mark and nothing was said
 * that may be over by now. An idle pass need not load what understands them then.
 */
export function isNothingOpen(text: string): boolean {
  return text === '' || (text.startsWith('{"hosts":{},') && !/"(reason|pause)":/.test(text));
}
