/**
 * One HTTP exchange: a request goes out, and either a complete answer comes back or a `NovaError` says what
 * became of it, above all whether the cloud may have carried the request out. No retries, no tokens, no JSON here.
 *
 * It is built on node:http rather than fetch: undici costs a third more CPU per call in the single binary.
 * Node's modules are taken when they are needed, so that whoever imports the client does not pay for TLS.
 */
import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import { NovaError, type NovaErrorCode } from './errors.ts';
import { bare, type Environment, proxyFor } from './proxy.ts';
import { keepSecret, tellable } from './secrets.ts';
import { createSecureContext } from './tls.ts';
import type { TlsConfig } from './types.ts';

export type ServiceName = 'Keystone' | 'Nova' | 'Glance' | 'Cinder' | 'Placement';

export interface Exchange {
  readonly service: ServiceName;
  /** What the request is for, to follow "asked to": `list the compute services`. */
  readonly purpose: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether carrying it out changes something in the cloud: only then a lost answer leaves a doubt. */
  readonly changesState: boolean;
}

export interface Answer {
  readonly exchange: Exchange;
  readonly status: number;
  readonly requestId: string | null;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** How long a connection may take to come about, where the answer is given more time than that, in ms. */
export const connectWithinMs = 30_000;

export interface Transport {
  send(exchange: Exchange, timeoutMs: number, signal?: AbortSignal): Promise<Answer>;
}

/** A page of 1000 servers with their faults is a few MB; what is much larger is no answer of Nova's. */
const largestBody = 64 * 1024 * 1024;

/**
 * Idle connections are dropped before the usual servers do it (Apache after 5 s), so that a request does not
 * run into a connection that is being closed under it.
 */
const idleConnectionMs = 4_000;

interface Way {
  readonly agent: Agent;
  /** Address of the proxy, without its credentials. */
  readonly proxy: string | null;
}

export function createTransport(tls: TlsConfig, env: Environment): Transport {
  const ways = new Map<string, Way>();

  function wayTo(url: URL): Way {
    const proxy = proxyFor(url, env);
    const key = `${url.protocol} ${proxy ?? ''}`;
    let way = ways.get(key);
    if (way === undefined) {
      const agent = createAgent(url.protocol === 'https:', proxy);
      way = { agent, proxy: proxy === null ? null : originOf(proxy) };
      ways.set(key, way);
    }
    return way;
  }

  function createAgent(secure: boolean, proxy: string | null): Agent {
    const common = {
      keepAlive: true,
      timeout: idleConnectionMs,
      ...(proxy === null ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } }),
    };
    if (!secure) {
      const http = process.getBuiltinModule('node:http');
      return new http.Agent(common);
    }
    const https = process.getBuiltinModule('node:https');
    const secureContext = createSecureContext(tls, env);
    return new https.Agent({ ...common, secureContext, rejectUnauthorized: tls.verify });
  }

  return {
    send: async (exchange, timeoutMs, signal) => send(exchange, wayTo(exchange.url), timeoutMs, signal),
  };
}

/** Where the proxy is; what the address holds besides is kept out of every text. */
function originOf(proxy: string): string {
  const { origin, username, password } = new URL(proxy);
  for (const secret of [password, decoded(password)]) keepSecret(secret);
  if (password === '') keepSecret(username);
  return origin;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function send(exchange: Exchange, way: Way, timeoutMs: number, signal?: AbortSignal): Promise<Answer> {
  const { url } = exchange;
  const secure = url.protocol === 'https:';
  const { request } = secure ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
  const options: RequestOptions = {
    agent: way.agent,
    method: exchange.method,
    hostname: bare(url.hostname),
    ...(url.port === '' ? {} : { port: url.port }),
    path: url.pathname + url.search,
    headers: {
      accept: 'application/json',
      // Packing costs both sides more than it saves in a data centre, and what was not asked for is not unpacked.
      'accept-encoding': 'identity',
      ...(exchange.body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(exchange.body) }),
      ...exchange.headers,
    },
  };

  return new Promise((resolve, reject) => {
    let out = false;
    let settled = false;
    const clientRequest: ClientRequest = request(options);
    const settle = (finish: () => void) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      clearTimeout(connecting);
      signal?.removeEventListener('abort', giveUp);
      finish();
    };
    const fail = (code: NovaErrorCode, sentence: string, doubt: boolean, cause?: unknown) =>
      settle(() => {
        reject(
          new NovaError(code, sentence, {
            method: exchange.method,
            path: pathOf(url),
            unanswered: doubt && out && exchange.changesState,
            ...(cause === undefined ? {} : { cause: harmless(cause) }),
          }),
        );
        clientRequest.destroy();
      });
    const started = performance.now();
    // What was waited in truth: a machine that stood still fires its timers late.
    const waited = () => `${seconds(performance.now() - started)} s`;
    const giveUp = () =>
      fail(
        'timeout',
        `${nameOf(exchange)} was no longer waited for after ${waited()} when asked to ${exchange.purpose}`,
        true,
      );
    const timeOut = () => {
      const what = out ? 'did not answer' : 'could not be connected to';
      const sentence = `${nameOf(exchange)} ${what} within ${waited()} when asked to ${exchange.purpose}`;
      fail('timeout', sentence, true);
    };
    const timer = setTimeout(timeOut, Math.min(timeoutMs, longestTimer));
    const connecting = setTimeout(
      () => {
        if (!out) timeOut();
      },
      Math.min(timeoutMs, connectWithinMs),
    );
    if (signal?.aborted) return giveUp();
    signal?.addEventListener('abort', giveUp);

    clientRequest.on('socket', (socket) => whenReady(clientRequest, socket, secure, () => (out = true)));
    clientRequest.on('error', (error) => {
      const { code, sentence, doubt } = explain(error, exchange, way, out);
      fail(code, sentence, doubt, error);
    });
    clientRequest.on('response', (response) => {
      // An answer proves that the request went out, whatever the socket's events made of it.
      out = true;
      readBody(response, (outcome) => {
        if (outcome.kind === 'whole') {
          settle(() => resolve(answerOf(exchange, response, outcome.text)));
        } else if (outcome.kind === 'tooLarge') {
          fail('malformed', `${nameOf(exchange)} sent more than ${largestBody} bytes`, true);
        } else {
          fail('connectionLost', brokenOff(exchange), true, outcome.cause);
        }
      });
    });
    clientRequest.end(exchange.body);
  });
}

/** Calls `ready` once bytes of the request can have reached the other side. */
function whenReady(request: ClientRequest, socket: Socket, secure: boolean, ready: () => void): void {
  const connecting = secure
    ? 'secureConnecting' in socket && socket.secureConnecting === true
    : socket.connecting;
  if (request.reusedSocket || !connecting) ready();
  else socket.once(secure ? 'secureConnect' : 'connect', ready);
}

type Outcome =
  | { readonly kind: 'whole'; readonly text: string }
  | { readonly kind: 'half'; readonly cause?: unknown }
  | { readonly kind: 'tooLarge' };

function readBody(response: IncomingMessage, done: (outcome: Outcome) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > largestBody) done({ kind: 'tooLarge' });
    else chunks.push(chunk);
  });
  response.on('error', (cause) => done({ kind: 'half', cause }));
  response.on('end', () => {
    if (response.complete) done({ kind: 'whole', text: Buffer.concat(chunks).toString('utf8') });
  });
  response.on('close', () => done({ kind: 'half' }));
}

function answerOf(exchange: Exchange, response: IncomingMessage, text: string): Answer {
  return {
    exchange,
    status: response.statusCode ?? 0,
    requestId:
      header(response.headers, 'x-openstack-request-id') ?? header(response.headers, 'x-compute-request-id'),
    headers: response.headers,
    text,
  };
}

/** A header's text; null when it is absent or was sent more than once. */
export function header(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

export function pathOf(url: URL): string {
  return url.pathname + url.search;
}

/** `Nova at http://10.0.0.1:8774`: for messages. */
export function nameOf(exchange: { readonly service: ServiceName; readonly url: URL }): string {
  return `${exchange.service} at ${exchange.url.origin}`;
}

/** The longest time that a timer of Node's can be set to, in ms: a longer one fires at once. */
export const longestTimer = 2 ** 31 - 1;

function brokenOff(exchange: Exchange): string {
  return `${nameOf(exchange)} broke the connection off before its answer was complete when asked to ${exchange.purpose}`;
}

/** For messages, with a tenth. */
export function seconds(ms: number): string {
  return String(Math.max(0.1, Math.round(ms / 100) / 10));
}

interface Explanation {
  readonly code: NovaErrorCode;
  readonly sentence: string;
  /** False where the other side plainly never looked at the request. */
  readonly doubt: boolean;
}

function explain(error: Error, exchange: Exchange, way: Way, out: boolean): Explanation {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const name = nameOf(exchange);
  const through = way.proxy === null ? '' : ` through the proxy ${way.proxy}`;
  if (code === 'ERR_PROXY_TUNNEL' || code === 'ERR_PROXY_INVALID_CONFIG') {
    const status = 'statusCode' in error ? ` (HTTP ${error.statusCode})` : '';
    const sentence = `${name} cannot be reached${through}: it refused the connection${status}`;
    return { code: 'unreachable', sentence, doubt: false };
  }
  if (isTlsFailure(code, out)) {
    return {
      code: 'tls',
      sentence: `The TLS connection to ${name} failed: ${tlsReason(error, code)}`,
      doubt: false,
    };
  }
  if (!out) {
    const sentence = `${name} cannot be reached${through}: ${networkReason(error, code)}`;
    return { code: 'unreachable', sentence, doubt: false };
  }
  if (code.startsWith('HPE_')) {
    const sentence = `${name} answered with something that is not HTTP; the address or its scheme is wrong`;
    return { code: 'malformed', sentence, doubt: true };
  }
  return { code: 'connectionLost', sentence: brokenOff(exchange), doubt: true };
}

const certificateCodes = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'HOSTNAME_MISMATCH',
  'PATH_LENGTH_EXCEEDED',
  'EPROTO',
]);

/**
 * With TLS 1.3 a server refuses a client certificate only after our side counts the handshake as done; it has
 * not looked at the request then, so that this alert is a TLS failure although bytes went out.
 */
function isTlsFailure(code: string, out: boolean): boolean {
  if (out) return /^ERR_SSL_.*ALERT.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE)/.test(code);
  return certificateCodes.has(code) || /^(ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_)/.test(code);
}

function tlsReason(error: Error, code: string): string {
  switch (code) {
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'EPROTO':
      return 'the other side does not speak TLS there';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'the certificate is for another name';
    case 'CERT_HAS_EXPIRED':
      return 'the certificate has expired';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return 'the certificate is signed by an authority that is not trusted here (self-signed); give cacert';
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'the certificate is signed by an authority that is not trusted here; give cacert';
    default:
      return /ALERT.*CERTIFICATE/.test(code)
        ? 'the other side refused our client certificate or wants one'
        : `${messageOf(error)} (${code})`;
  }
}

function networkReason(error: Error, code: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection refused';
    case 'ENOTFOUND':
      return 'its name is not known to the name service';
    case 'EAI_AGAIN':
      return 'the name service does not answer';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'no route to it';
    case 'ETIMEDOUT':
      return 'the connection attempt timed out';
    case 'ECONNRESET':
      return 'the connection was reset before the request was sent';
    default:
      return `${messageOf(error)}${code === '' ? '' : ` (${code})`}`;
  }
}

/** Longest piece of Node's or OpenSSL's own words, which name what the other side sent (a certificate's names). */
const longestWords = 200;

function messageOf(error: unknown): string {
  return error instanceof Error ? tellable(error.message, longestWords) : 'unknown reason';
}

/**
 * The cause without what Node hangs on it: a parser error carries the raw answer, which may hold a token, and
 * a proxy error may carry the proxy's password.
 */
function harmless(cause: unknown): Error {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : null;
  const proxied = code?.startsWith('ERR_PROXY') === true;
  const plain = new Error(proxied ? 'the proxy refused' : messageOf(cause));
  return code === null ? plain : Object.assign(plain, { code });
}
