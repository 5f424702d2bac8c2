import { NovaError } from './errors.ts';

/** How long a file may take to answer, in ms: one below a hung NFS never does, and an action has a mark to write. */
const patienceMs = 5_000;

/**
 * The outcome of something that is asked of a file, if it comes in time. The thread that waits for a hung file is left behind.
 *
 * @param what the file, for the sentence of the error
 */
export async function fileWithin<T>(what: string, asked: Promise<T>, ms: number = patienceMs): Promise<T> {
  let late: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    late = setTimeout(
      () =>
        reject(new NovaError('config', `${what} cannot be read: it did not answer within ${ms / 1000} s`)),
      ms,
    );
  });
  try {
    return await Promise.race([asked, tooLate]);
  } finally {
    clearTimeout(late);
  }
}
