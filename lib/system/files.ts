/** The ways in which files are written: whole, or a line at a time. What is written is small, and written at once. */
import {
  closeSync,
  constants,
  fchmodSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

const { O_APPEND, O_CREAT, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;

/**
 * Writes a file whole: beside it first, then renamed, so that nobody reads half of it and a killed writer leaves the
 * old one. The mode holds whatever the umask is. The draft is made exclusively: a link that somebody put where it goes is
 * not followed. Throws what the file system says, with the draft removed.
 */
export function replaceFile(path: string, text: string, mode: number): void {
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  const fd = openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  try {
    try {
      fchmodSync(fd, mode);
      writeFileSync(fd, text);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** The same in a directory that a bare machine may not have yet: Pacemaker's packages make it on boot. */
export function placeFile(path: string, text: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  replaceFile(path, text, mode);
}

/**
 * Appends to a file, which is made if need be. Never waits: a FIFO that nobody reads, or whose reader has fallen asleep, is
 * an error like a full disk. Throws what the file system says (`ENXIO`, `EAGAIN`, `ENOSPC`).
 */
export function appendText(path: string, text: string): void {
  const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY, 0o666);
  try {
    writeFileSync(fd, text);
  } finally {
    closeSync(fd);
  }
}
