// Requests through a real proxy: Node's agents do the talking, and this holds them to it.
import { createServer, request } from 'node:http';
import { connect as dial, type Socket } from 'node:net';
import { connect } from '@openstack-ts/nova-client';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Certificates, makeCertificates } from './certificates.ts';
import { cloud, configOf, surroundings } from './loopback.ts';

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates.remove());

interface Proxy {
  readonly address: string;
  readonly seen: string[];
}

async function proxy(refuse = false): Promise<Proxy> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url} ${incoming.headers['proxy-authorization'] ?? '-'}`);
    const onward = request(
      incoming.url ?? '',
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      },
    );
    incoming.pipe(onward);
  });
  server.on('connect', (incoming, socket: Socket) => {
    seen.push(`CONNECT ${incoming.url} ${incoming.headers['proxy-authorization'] ?? '-'}`);
    if (refuse) return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const [host, port] = (incoming.url ?? '').split(':');
    const back = dial(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(back).pipe(socket);
    });
    for (const each of [socket, back]) sockets.add(each.on('error', () => each.destroy()));
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { address: `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, seen };
}

describe('a proxy of the environment', () => {
  it('carries plain requests, with its own log-in', async () => {
    const one = await cloud();
    const way = await proxy();
    await connect(one.config, surroundings({ env: { http_proxy: `http://me:sesame@${way.address}` } }));
    const credentials = `Basic ${Buffer.from('me:sesame').toString('base64')}`;
    expect(way.seen).toEqual([
      `POST ${one.url}/v3/auth/tokens ${credentials}`,
      `GET ${one.url}/v2.1/ ${credentials}`,
    ]);
    expect(one.seen).toHaveLength(2);
  });

  it('carries TLS through a tunnel, and the certificate is still checked', async () => {
    const { serverCert: cert, serverKey: key, caFile } = certificates;
    const one = await cloud({ tls: { cert, key } });
    const way = await proxy();
    const deps = surroundings({ env: { https_proxy: `http://${way.address}` } });
    await connect({ ...one.config, tls: { verify: true, caFile } }, deps);
    expect(way.seen[0]).toBe(`CONNECT 127.0.0.1:${one.port} -`);
    expect(one.seen).toHaveLength(2);
    await expect(connect(one.config, deps)).rejects.toMatchObject({ code: 'tls' });
    expect(one.seen).toHaveLength(2);
  });

  it('is left out where no_proxy says so', async () => {
    const one = await cloud();
    const way = await proxy();
    const env = { http_proxy: `http://${way.address}`, no_proxy: '127.0.0.0/8' };
    await connect(one.config, surroundings({ env }));
    expect(way.seen).toEqual([]);
  });

  it('that refuses is said to be the one, and nothing was sent', async () => {
    const { serverCert: cert, serverKey: key, caFile } = certificates;
    const one = await cloud({ tls: { cert, key } });
    const way = await proxy(true);
    const deps = surroundings({ env: { https_proxy: `http://me:sesame@${way.address}` } });
    const failure: unknown = await connect({ ...one.config, tls: { verify: true, caFile } }, deps).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({
      code: 'unreachable',
      unanswered: false,
      message: `Keystone at ${one.url} cannot be reached through the proxy http://${way.address}: it refused the connection (HTTP 403)`,
    });
    expect(`${failure} ${JSON.stringify(failure)} ${(failure as Error).cause}`).not.toContain('sesame');
    expect(one.seen).toEqual([]);
  });

  it('that is not there is said to be the one', async () => {
    const env = { http_proxy: 'http://me:sesame@127.0.0.1:1' };
    await expect(connect(configOf('http://127.0.0.1:5000/v3'), surroundings({ env }))).rejects.toMatchObject({
      code: 'unreachable',
      message:
        'Keystone at http://127.0.0.1:5000 cannot be reached through the proxy http://127.0.0.1:1: connection refused',
    });
  });
});
