import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { setParameters } from './resource.ts';
import type { Lab } from './scenario.ts';
import { NOVA_URL, PROXY_URL } from './settings.ts';
import { sleep } from './time.ts';

/**
 * A proxy in front of the real Nova, which makes its API slow or failing, and keeps a record of what was asked: the
 * judge's own view of the traffic. The catalogue has it as the compute endpoint of another region, so that
 * NovaEvacuate alone goes through it; the judge and fence_compute ask Nova itself.
 */

export const PROXY_REGION = 'RegionProxy';

/** What is known of a request when its fate is decided. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  /** Whether it asks for an evacuation. */
  readonly evacuates: boolean;
  /** Requests under way, this one included. */
  readonly concurrent: number;
}

/** What becomes of a request: it is delayed, then answered by the proxy itself, cut, or passed on. */
export interface Fate {
  readonly delayMs?: number;
  readonly status?: 429 | 503;
  /** Seconds; the header of that answer. */
  readonly retryAfter?: number;
  /** The connection is reset: before the request reaches Nova, or when Nova has answered it. */
  readonly reset?: 'before' | 'after';
}

export type Behaviour = (asked: Asked) => Fate;

/** One request, and what became of it. */
export interface Passed {
  readonly at: number;
  readonly method: string;
  readonly path: string;
  /** The instance that it asks to evacuate. */
  readonly evacuates: string | undefined;
  /** What Nova answered; undefined when Nova was not asked, or did not answer. */
  readonly novaStatus: number | undefined;
  /** What the agent was answered; undefined when its connection was reset. */
  readonly status: number | undefined;
  readonly ms: number;
}

export const pass: Behaviour = () => ({});

/**
 * An API that is slower the more is asked of it at the same time, and the more evacuations are under way: at `load` of
 * them, each further one makes every request slower by `perEvacuationMs`.
 */
export function slow(
  load: () => number,
  {
    perRequestMs,
    bearable,
    perEvacuationMs,
  }: { perRequestMs: number; bearable: number; perEvacuationMs: number },
): Behaviour {
  return ({ concurrent }) => ({
    delayMs: concurrent * perRequestMs + Math.max(0, load() - bearable) * perEvacuationMs,
  });
}

/** Pseudo-random numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * An API that takes only so many evacuations a second (429, with Retry-After, above), and of whose requests shares end in
 * 503, in a reset before they reach Nova, and in a reset of the answer.
 */
export function failing(
  random: () => number,
  shares: {
    perSecond: number;
    retryAfter: number;
    unavailable: number;
    resetBefore: number;
    resetAfter: number;
  },
): Behaviour {
  const posts: number[] = [];
  return ({ evacuates }) => {
    if (evacuates) {
      const now = Date.now();
      while (posts[0] !== undefined && posts[0] <= now - 1000) posts.shift();
      if (posts.length >= shares.perSecond) return { status: 429, retryAfter: shares.retryAfter };
      posts.push(now);
    }
    const drawn = random();
    if (drawn < shares.unavailable) return { status: 503 };
    if (drawn < shares.unavailable + shares.resetBefore) return { reset: 'before' };
    if (drawn < shares.unavailable + shares.resetBefore + shares.resetAfter) return { reset: 'after' };
    return {};
  };
}

/** Headers that belong to a connection, not to what is said on it (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function endToEnd(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name = '', value = ''] = raw.slice(i, i + 2);
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}

interface Answer {
  readonly status: number;
  readonly headers: string[];
  readonly body: Buffer;
}

async function read(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Asks Nova what the client asked, by the client's name for it, so that the links in the answer lead back here. */
function askNova(asked: IncomingMessage, body: Buffer): Promise<Answer> {
  const { hostname, port } = new URL(NOVA_URL);
  return new Promise((resolve, reject) => {
    const headers = endToEnd(asked.rawHeaders);
    const options = { hostname, port, method: asked.method, path: asked.url, headers, agent: false };
    const request = httpRequest(options, (response) => {
      read(response).then(
        (answer) =>
          resolve({
            status: response.statusCode ?? 502,
            headers: endToEnd(response.rawHeaders),
            body: answer,
          }),
        reject,
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

function instanceToEvacuate(method: string, path: string, body: Buffer): string | undefined {
  const id = /\/servers\/([0-9a-f-]{36})\/action$/.exec(path)?.[1];
  return method === 'POST' && id !== undefined && body.includes('"evacuate"') ? id : undefined;
}

export class NovaProxy {
  behaviour: Behaviour = pass;
  readonly requests: Passed[] = [];
  #concurrent = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((asked, answer) => {
      this.#serve(asked, answer).catch(() => asked.socket.destroy());
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** Starts the proxy, and has NovaEvacuate use it, with further parameters, until the scenario is over. */
  static async putInFront(lab: Lab, parameters: Readonly<Record<string, string>> = {}): Promise<NovaProxy> {
    const proxy = new NovaProxy();
    const { hostname, port } = new URL(PROXY_URL);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(Number(port), hostname, resolve);
    });
    lab.afterwards(() => proxy.#end());
    await setParameters(lab, { ...parameters, region_name: PROXY_REGION });
    return proxy;
  }

  /** The POSTs that asked for an evacuation. */
  get evacuations(): readonly Passed[] {
    return this.requests.filter((r) => r.evacuates !== undefined);
  }

  /** The longest that a request has waited for its answer, in ms. */
  get slowestMs(): number {
    return Math.max(0, ...this.requests.map((r) => r.ms));
  }

  /** Judges that Nova was asked for each instance's evacuation once, however the answers were. */
  judgeAsked(lab: Lab, servers: readonly { readonly id: string; readonly name: string }[]): void {
    const wrong = servers.flatMap(({ id, name }) => {
      const accepted = this.evacuations.filter((r) => r.evacuates === id && r.novaStatus === 200).length;
      return accepted === 1 ? [] : [`${name}: ${accepted} times`];
    });
    lab.check(wrong.length === 0, 'Nova was asked for the evacuation of each exactly once', ...wrong);
  }

  /** Judges that nothing more was asked for before the time that an answer with Retry-After had named. */
  judgeRetryAfter(lab: Lab, seconds: number): void {
    const posts = this.evacuations;
    const early = posts.filter((refused) => {
      if (refused.status !== 429) return false;
      const answered = refused.at + refused.ms;
      // What was on its way when the answer came could not know of it.
      return posts.some((p) => p.at > answered + 250 && p.at < answered + seconds * 1000 - 50);
    });
    lab.check(
      early.length === 0,
      'after a 429 no evacuation was asked for before Retry-After',
      `${early.length} times`,
    );
  }

  async #end(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const at = Date.now();
    const { method = '', url: path = '' } = asked;
    this.#concurrent += 1;
    let novaStatus: number | undefined;
    let status: number | undefined;
    let evacuates: string | undefined;
    try {
      const body = await read(asked);
      evacuates = instanceToEvacuate(method, path, body);
      const concurrent = this.#concurrent;
      const fate = this.behaviour({ method, path, evacuates: evacuates !== undefined, concurrent });
      await sleep(fate.delayMs ?? 0);
      if (fate.status !== undefined) {
        status = fate.status;
        refuse(answer, fate.status, fate.retryAfter);
        return;
      }
      if (fate.reset === 'before') return;
      const got = await askNova(asked, body);
      novaStatus = got.status;
      if (fate.reset === 'after') return;
      status = got.status;
      answer.writeHead(got.status, got.headers).end(got.body);
    } finally {
      this.#concurrent -= 1;
      this.requests.push({ at, method, path, evacuates, novaStatus, status, ms: Date.now() - at });
      if (status === undefined) asked.socket.resetAndDestroy();
    }
  }
}

/** As a rate limit in front of Nova answers (429), and as HAProxy does without a server behind it (503). */
function refuse(answer: ServerResponse, status: 429 | 503, retryAfter: number | undefined): void {
  const text =
    status === 429 ? 'This request was rate-limited.' : 'No server is available to handle this request.';
  const headers = {
    'Content-Type': 'text/plain',
    ...(retryAfter === undefined ? {} : { 'Retry-After': retryAfter }),
  };
  answer.writeHead(status, headers).end(`${text}\n`);
}
