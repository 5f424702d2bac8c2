/** The system's short name of an error, `ENOENT`; `''` for one that has none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

const words: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  ENOTDIR: 'a part of its path is no directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EISDIR: 'it is a directory',
  // Also where a link is not to be followed.
  ELOOP: 'it is a symbolic link',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'no space left in the quota',
  EROFS: 'the file system is read-only',
  ENXIO: 'it is a pipe',
  ENOEXEC: 'it is no program for this machine',
  EAGAIN: 'its reader is asleep',
  ENAMETOOLONG: 'its name is too long',
  EIO: 'the device fails',
};

/** What the system says of a file, to follow a colon: `permission denied`; the short name of what has no words here. */
export function inWords(error: unknown): string {
  const code = errorCode(error);
  if (code !== '') return words[code] ?? code;
  return error instanceof Error ? error.message : String(error);
}
