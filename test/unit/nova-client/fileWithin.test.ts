import { describe, expect, test } from 'vitest';
import { fileWithin } from '../../../lib/nova-client/src/fileWithin.ts';

describe('what is asked of a file', () => {
  test('comes through, and so does what the file system throws', async () => {
    expect(await fileWithin('/f', Promise.resolve('text'))).toBe('text');
    await expect(fileWithin('/f', Promise.reject(new Error('EACCES')))).rejects.toThrow('EACCES');
  });

  test('is given up where it never answers, with one sentence', async () => {
    const never = new Promise<string>(() => undefined);
    await expect(fileWithin('/nfs/ca.pem', never, 20)).rejects.toMatchObject({
      code: 'config',
      message: '/nfs/ca.pem cannot be read: it did not answer within 0.02 s',
    });
  });
});
