import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { control } from './control.ts';
import type { Faults } from './faults.ts';
import { type ApiReply, type ServiceName, serviceNames } from './http.ts';
import type { Keystone } from './keystone.ts';
import { Processes } from './processes.ts';
import type { RequestLog } from './requestLog.ts';
import { CloudServices, type ServicesOptions } from './services.ts';
import type { World } from './world.ts';

export interface CloudOptions extends ServicesOptions {
  /** Address to listen on; `127.0.0.1` unless said otherwise, `::1` works too. The control API stays on 127.0.0.1. */
  readonly host?: string;
  /** Port of Keystone; the other services and the control API take the next ones. 0 (the default): any. */
  readonly port?: number;
  /** Keys and certificate in PEM: the services then speak TLS (the control API does not). */
  readonly tls?: {
    readonly key: string;
    readonly cert: string;
    readonly ca?: string;
    readonly requestCert?: boolean;
  };
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

/** Starts a simulated cloud; resolves once every service listens. */
export async function startCloud(options: CloudOptions = {}): Promise<SimulatedCloud> {
  const cloud = new CloudServices(options);
  const { world, keystone, faults, requests } = cloud;
  const address = options.host ?? '127.0.0.1';
  const scheme = options.tls === undefined ? 'http' : 'https';
  const listeners: Record<ServiceName, Listener> = {
    keystone: serve('keystone'),
    nova: serve('nova'),
    glance: serve('glance'),
    placement: serve('placement'),
    cinder: serve('cinder'),
  };

  function serve(service: ServiceName): Listener {
    const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const origin = `${scheme}://${incoming.headers.host ?? `${address}:0`}`;
      void answer(cloud, service, origin, incoming, outgoing);
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
  const services: Record<ServiceName, string> = {
    keystone: '',
    nova: '',
    glance: '',
    placement: '',
    cinder: '',
  };
  for (const [index, name] of serviceNames.entries()) {
    const port = await listeners[name].listen(first === 0 ? 0 : first + index, address);
    services[name] = `${scheme}://${shown}:${port}`;
  }
  cloud.publish(services);

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
  const controlPort = await controlListener.listen(
    first === 0 ? 0 : first + serviceNames.length,
    '127.0.0.1',
  );

  return {
    authUrl: `${services.keystone}/v3`,
    urls: { ...services, control: `http://127.0.0.1:${controlPort}` },
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

/** A request off the wire, and what becomes of it put onto the wire. */
async function answer(
  cloud: CloudServices,
  service: ServiceName,
  origin: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const body = await readBody(incoming);
  if (body === null) return;
  const outcome = await cloud.answer({
    service,
    method: incoming.method ?? 'GET',
    target: incoming.url ?? '/',
    headers: flatHeaders(incoming),
    body,
    origin,
  });
  if (outcome.kind === 'reset') outgoing.socket?.resetAndDestroy();
  if (outcome.kind === 'reply') send(outcome.reply, outgoing, outcome.truncated);
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
