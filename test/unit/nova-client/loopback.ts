// A loopback server that answers as a test says and remembers what it was asked: the client is tested through
// real sockets, because resets, half answers and handshakes are what it has to get right.
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { CloudConfig, ConnectDeps } from '@openstack-ts/nova-client';
import { onTestFinished } from 'vitest';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is, anything else as JSON. */
  readonly body?: unknown;
}

/** `reply` to answer; `raw` gives the response itself, to break it. */
export type Handler = (seen: Seen, raw: ServerResponse, socket: Socket) => Reply | 'handled';

export interface Loopback {
  readonly url: string;
  readonly port: number;
  readonly seen: Seen[];
  /** `GET /path?query` of everything asked so far. */
  readonly lines: () => string[];
}

export interface LoopbackOptions {
  readonly host?: string;
  readonly tls?: ServerOptions;
}

export async function loopback(handler: Handler, options: LoopbackOptions = {}): Promise<Loopback> {
  const seen: Seen[] = [];
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one: Seen = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      seen.push(one);
      const reply = handler(one, response, request.socket);
      if (reply === 'handled') return;
      const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {});
      response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
      response.end(text);
    });
  };
  const server =
    options.tls === undefined ? createServer(listener) : createSecureServer(options.tls, listener);
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${name}:${port}`,
    port,
    seen,
    lines: () => seen.map((one) => `${one.method} ${one.path}`),
  };
}

export interface CloudOptions extends LoopbackOptions {
  /** Life of the tokens, in seconds. */
  readonly tokenLife?: number;
  readonly version?: { readonly min: string; readonly max: string };
  /** The catalogue's entries, from the server's own address. */
  readonly catalogue?: (url: string) => unknown;
  /** Answers first; null leaves the request to the cloud's log-in and version document. */
  readonly answer?: (seen: Seen, raw: ServerResponse, socket: Socket) => Reply | 'handled' | null;
}

export interface Cloud extends Loopback {
  /** Tokens given so far. */
  readonly tokens: () => number;
  readonly config: CloudConfig;
  /** What was asked besides the log-in and the version document. */
  readonly calls: () => string[];
}

/** A Keystone that gives numbered tokens and a Nova that describes itself; the rest is the test's. */
export async function cloud(options: CloudOptions = {}): Promise<Cloud> {
  let tokens = 0;
  let url = '';
  const { min, max } = options.version ?? { min: '2.1', max: '2.93' };
  const own = (seen: Seen): Reply => {
    if (seen.method === 'POST' && seen.path === '/v3/auth/tokens') {
      tokens++;
      const catalog = options.catalogue === undefined ? plainCatalogue(url) : options.catalogue(url);
      return tokenReply(`token-${tokens}`, options.tokenLife ?? 3600, catalog);
    }
    if (seen.path === '/v2.1/') {
      const version = { id: 'v2.1', status: 'CURRENT', version: max, min_version: min, links: [] };
      return { body: { version } };
    }
    return { status: 404, body: { itemNotFound: { code: 404, message: `nothing at ${seen.path}` } } };
  };
  const server = await loopback(
    (seen, raw, socket) => options.answer?.(seen, raw, socket) ?? own(seen),
    options,
  );
  url = server.url;
  const ours = /^(POST \/v3\/auth\/tokens|GET \/v2\.1\/)$/;
  return {
    ...server,
    tokens: () => tokens,
    config: configOf(`${server.url}/v3`),
    calls: () => server.lines().filter((line) => !ours.test(line)),
  };
}

export function tokenReply(token: string, lifeSeconds: number, catalog: unknown, issued = Date.now()): Reply {
  const time = (ms: number) => new Date(ms).toISOString().replace('Z', '000Z');
  return {
    status: 201,
    headers: { 'x-subject-token': token, 'x-openstack-request-id': 'req-keystone' },
    body: {
      token: {
        methods: ['password'],
        issued_at: time(issued),
        expires_at: time(issued + lifeSeconds * 1000),
        ...(catalog === undefined ? {} : { catalog }),
      },
    },
  };
}

export function plainCatalogue(url: string): unknown {
  const endpoints = (address: string) =>
    ['internal', 'public'].map((name) => ({
      interface: name,
      region: 'RegionOne',
      region_id: 'RegionOne',
      url: address,
    }));
  return [
    { type: 'compute', name: 'nova', endpoints: endpoints(`${url}/v2.1`) },
    { type: 'image', name: 'glance', endpoints: endpoints(`${url}/image`) },
  ];
}

export function configOf(authUrl: string): CloudConfig {
  return {
    authUrl,
    credentials: {
      kind: 'password',
      username: 'ha',
      password: 'correct horse',
      userDomain: { name: 'Default' },
      project: { name: 'admin', domain: { name: 'Default' } },
    },
    endpointInterface: 'internal',
    tls: { verify: true },
  };
}

/** Surroundings without waiting: pauses are noted and over at once. What can be called off (a bound) is waited for. */
export function surroundings(more: ConnectDeps = {}): ConnectDeps & { readonly pauses: number[] } {
  const pauses: number[] = [];
  return {
    env: {},
    random: () => 0.5,
    sleep: async (ms, signal) => {
      if (signal !== undefined) return sleepUnlessAborted(ms, signal);
      pauses.push(ms);
    },
    ...more,
    pauses,
  };
}

function sleepUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  return setTimeout(ms, undefined, { signal }).catch(() => undefined);
}
