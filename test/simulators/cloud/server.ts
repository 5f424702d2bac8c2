import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { type Clock, realClock } from './clock.ts';
import { control } from './control.ts';
import { type FaultAction, Faults, patchJson } from './faults.ts';
import { glanceHandler } from './glance.ts';
import { type ApiReply, type ApiRequest, type Handler, newRequestId, type ServiceName } from './http.ts';
import { Keystone } from './keystone.ts';
import { defaultKnobs, type Knobs, speedUp } from './knobs.ts';
import { novaHandler } from './nova/index.ts';
import { Processes } from './processes.ts';
import { type LoggedRequest, RequestLog } from './requestLog.ts';
import { applyScenario } from './scenario.ts';
import { World } from './world.ts';

export interface CloudOptions {
  /** Address to listen on; `127.0.0.1` unless said otherwise, `::1` works too. The control API stays on 127.0.0.1. */
  readonly host?: string;
  /** Port of Keystone; Nova, Glance and the control API take the next three. 0 (the default): any four. */
  readonly port?: number;
  /** Keys and certificate in PEM: the services then speak TLS (the control API does not). */
  readonly tls?: {
    readonly key: string;
    readonly cert: string;
    readonly ca?: string;
    readonly requestCert?: boolean;
  };
  /** What is there at the beginning (see scenario.ts); three hosts and no servers unless said otherwise. */
  readonly scenario?: unknown;
  readonly knobs?: Partial<Knobs>;
  /** Divides the default durations; knobs that are given stay as they are. */
  readonly speed?: number;
  readonly clock?: Clock;
  /** Regions of the catalogue; every one points to the same services. */
  readonly regions?: readonly string[];
}

export interface SimulatedCloud {
  /** `http://127.0.0.1:4711/v3` */
  readonly authUrl: string;
  /** Addresses by service, without a path. */
  readonly urls: Readonly<Record<ServiceName | 'control', string>>;
  readonly world: World;
  readonly keystone: Keystone;
  readonly faults: Faults;
  readonly requests: RequestLog;
  stopService(name: ServiceName): Promise<void>;
  startService(name: ServiceName): Promise<void>;
  stop(): Promise<void>;
}

const serviceNames = ['keystone', 'nova', 'glance'] as const;

/** Starts a simulated cloud; resolves once every service listens. */
export async function startCloud(options: CloudOptions = {}): Promise<SimulatedCloud> {
  const clock = options.clock ?? realClock;
  // What is asked for by name is not divided.
  const knobs: Knobs = { ...defaultKnobs };
  if (options.speed !== undefined) speedUp(knobs, options.speed);
  const world = new World(clock, { ...knobs, ...options.knobs });
  const keystone = new Keystone(clock, world.knobs);
  const faults = new Faults();
  const requests = new RequestLog();
  applyScenario(world, keystone, options.scenario ?? {});

  const address = options.host ?? '127.0.0.1';
  const scheme = options.tls === undefined ? 'http' : 'https';
  const urls = { keystone: '', nova: '', glance: '', control: '' };
  const handlers: Record<ServiceName, Handler> = {
    keystone: keystone.handler,
    nova: novaHandler(world, keystone, () => `${urls.keystone}/v3`),
    glance: glanceHandler(world, keystone),
  };
  const listeners: Record<ServiceName, Listener> = {
    keystone: serve('keystone'),
    nova: serve('nova'),
    glance: serve('glance'),
  };

  function serve(service: ServiceName): Listener {
    const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const origin = `${scheme}://${incoming.headers.host ?? `${address}:0`}`;
      void answer(
        service,
        origin,
        handlers[service],
        { faults, requests, keystone, clock },
        incoming,
        outgoing,
      );
    };
    return new Listener(() =>
      options.tls === undefined
        ? createServer(onRequest)
        : createTlsServer(
            { ...options.tls, rejectUnauthorized: options.tls.requestCert === true },
            onRequest,
          ),
    );
  }

  const first = options.port ?? 0;
  const shown = address.includes(':') ? `[${address}]` : address;
  for (const [index, name] of serviceNames.entries()) {
    const port = await listeners[name].listen(first === 0 ? 0 : first + index, address);
    urls[name] = `${scheme}://${shown}:${port}`;
  }
  for (const region of options.regions ?? ['RegionOne']) {
    for (const face of ['public', 'internal', 'admin']) {
      const common = { interface: face, region };
      keystone.catalog.push(
        { ...common, service: 'identity', name: 'keystone', url: `${urls.keystone}/v3` },
        { ...common, service: 'image', name: 'glance', url: urls.glance },
        { ...common, service: 'compute', name: 'nova', url: `${urls.nova}/v2.1` },
      );
    }
  }

  const stopService = (name: ServiceName) => listeners[name].close();
  const startService = async (name: ServiceName) => {
    await listeners[name].reopen(address);
  };
  const processes = new Processes(world);
  const controlled = { world, keystone, faults, requests, processes, stopService, startService };
  const controlListener = new Listener(() =>
    createServer((incoming, outgoing) => {
      void answerControl(controlled, incoming, outgoing);
    }),
  );
  const controlPort = await controlListener.listen(first === 0 ? 0 : first + 3, '127.0.0.1');
  urls.control = `http://127.0.0.1:${controlPort}`;

  return {
    authUrl: `${urls.keystone}/v3`,
    urls,
    world,
    keystone,
    faults,
    requests,
    stopService,
    startService,
    async stop() {
      processes.stop();
      for (const name of serviceNames) await listeners[name].close();
      await controlListener.close();
    },
  };
}

/** A port that can be closed with all its connections, and opened again. */
class Listener {
  readonly #make: () => HttpServer;
  readonly #sockets = new Set<Socket>();
  #server: HttpServer | null = null;
  #port = 0;

  constructor(make: () => HttpServer) {
    this.#make = make;
  }

  async listen(port: number, address: string): Promise<number> {
    const server = this.#make();
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host: address }, resolve);
    });
    this.#server = server;
    const bound = server.address();
    this.#port = typeof bound === 'object' && bound !== null ? bound.port : port;
    return this.#port;
  }

  async reopen(address: string): Promise<void> {
    if (this.#server === null) await this.listen(this.#port, address);
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

interface Surroundings {
  readonly faults: Faults;
  readonly requests: RequestLog;
  readonly keystone: Keystone;
  readonly clock: Clock;
}

async function answer(
  service: ServiceName,
  origin: string,
  handler: Handler,
  { faults, requests, keystone, clock }: Surroundings,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const at = clock.now();
  const body = await readBody(incoming);
  if (body === null) return;
  const url = new URL(incoming.url ?? '/', 'http://localhost');
  const request: ApiRequest = {
    service,
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: flatHeaders(incoming),
    body,
    origin,
    requestId: newRequestId(),
  };
  const entry: LoggedRequest = {
    at,
    service,
    method: request.method,
    path: incoming.url ?? '/',
    body: service === 'keystone' ? '' : body,
    microversion:
      request.headers['x-openstack-nova-api-version'] ?? request.headers['openstack-api-version'] ?? null,
    status: null,
    took: null,
    fault: false,
  };
  requests.entries.push(entry);
  const fault = faults.strike(request);
  entry.fault = fault !== undefined;
  try {
    const reply =
      fault === undefined
        ? await handler(request)
        : await struck(fault, request, handler, keystone, outgoing);
    if (reply === null) return;
    entry.status = reply.status;
    send(reply, outgoing, fault?.truncate === true);
  } catch (error) {
    // A fault of the simulator itself: loud in the test's output, and an answer no client could take for Nova's.
    console.error('The simulated cloud failed:', error);
    send({ status: 500, headers: {}, text: 'The simulated cloud failed; see its stderr.' }, outgoing, false);
  } finally {
    entry.took = clock.now() - at;
  }
}

/** The answer under a fault; null when there is none. */
async function struck(
  fault: FaultAction,
  request: ApiRequest,
  handler: Handler,
  keystone: Keystone,
  outgoing: ServerResponse,
): Promise<ApiReply | null> {
  if (fault.expireTokens === true) keystone.revokeAll();
  if (fault.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
  if (fault.hang === true) {
    if (fault.effect === true) await handler(request);
    return null;
  }
  if (fault.reset === 'before') {
    outgoing.socket?.resetAndDestroy();
    return null;
  }
  const replaced = fault.status !== undefined;
  const real = !replaced || fault.effect === true ? await handler(request) : null;
  if (fault.reset === 'after') {
    outgoing.socket?.resetAndDestroy();
    return null;
  }
  if (replaced) {
    const json = fault.json === undefined && fault.text === undefined ? { message: 'injected' } : fault.json;
    return {
      status: fault.status ?? 500,
      headers: {
        'Content-Type': fault.text === undefined ? 'application/json' : 'text/html',
        ...fault.headers,
      },
      ...(fault.text === undefined ? { json } : { text: fault.text }),
    };
  }
  if (real === null) return null;
  if (fault.text !== undefined) {
    return { status: real.status, headers: { ...real.headers, ...fault.headers }, text: fault.text };
  }
  return {
    ...real,
    headers: { ...real.headers, ...fault.headers },
    json: fault.json !== undefined ? fault.json : patchJson(real.json, fault),
  };
}

function send(reply: ApiReply, outgoing: ServerResponse, truncate: boolean): void {
  if (outgoing.destroyed) return;
  const body = reply.text ?? (reply.json === undefined ? '' : JSON.stringify(reply.json));
  const bytes = Buffer.from(body);
  outgoing.writeHead(reply.status, {
    ...reply.headers,
    ...(reply.status === 204 ? {} : { 'Content-Length': String(bytes.length) }),
  });
  if (!truncate) {
    outgoing.end(bytes);
    return;
  }
  outgoing.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => outgoing.socket?.destroy());
}

async function answerControl(
  controlled: Parameters<typeof control>[0],
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const body = await readBody(incoming);
  if (body === null) return;
  const url = new URL(incoming.url ?? '/', 'http://localhost');
  const reply = await control(controlled, incoming.method ?? 'GET', url.pathname, url.searchParams, body);
  send(
    { ...reply, headers: { 'Content-Type': reply.text === undefined ? 'application/json' : 'text/plain' } },
    outgoing,
    false,
  );
}

async function readBody(incoming: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of incoming) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  } catch {
    return null;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function flatHeaders(incoming: IncomingMessage): Record<string, string | undefined> {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}
