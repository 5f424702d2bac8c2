/**
 * One pass at a time on a node: a second one (an operator's manual `monitor` beside the cluster's) would take the
 * claim of the first for that of a killed predecessor. The lock is the name of an abstract UNIX socket, which the
 * kernel frees at the very moment its process dies, SIGKILL included. Returns null when another pass holds it.
 *
 * @param place what the lock is for, of any length: the kernel bounds such names to 107 bytes
 */
export async function lockNode(name: string, place: string): Promise<{ release(): void } | null> {
  const [{ createServer }, { createHash }] = await Promise.all([import('node:net'), import('node:crypto')]);
  const digest = createHash('sha256').update(place).digest('hex').slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen(`\0openstack/${name}:${digest}`, () => {
      server.unref();
      resolve({ release: () => server.close() });
    });
  });
}
