/** A log-in that lasts: holds the token, renews it before it ends and once when a service refuses it. */
import { bareAddress, findEndpoint } from './catalogue.ts';
import { NovaError } from './errors.ts';
import type { Keystone, Token } from './keystone.ts';
import type { Bounds, Call, Requester } from './requester.ts';
import { type Answer, longestTimer, seconds } from './transport.ts';
import type { CloudConfig, CloudServiceName, EndpointInterface } from './types.ts';

/** Which of a service's endpoints is meant. */
export interface Where {
  readonly endpointInterface: EndpointInterface;
  readonly region?: string;
  /** The address itself, where an operator has given it: the catalogue is not looked at. */
  readonly override?: URL;
}

/** What the configuration says of one service. */
export function whereIs(service: CloudServiceName, config: CloudConfig): Where {
  const own = config.services?.[service] ?? {};
  const region = own.region ?? config.region;
  return {
    endpointInterface: own.endpointInterface ?? config.endpointInterface,
    ...(region === undefined ? {} : { region }),
    ...(own.endpoint === undefined ? {} : { override: parseEndpoint(service, own.endpoint) }),
  };
}

/** An address that an operator gave. Throws `NovaError` with code `config`. */
export function parseEndpoint(service: CloudServiceName, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new NovaError(
      'config',
      `The endpoint that is given for ${service} is not an http or https address`,
    );
  }
  return bareAddress(url);
}

export class Session {
  readonly requester: Requester;
  private readonly keystone: Keystone;
  private token: Token | null = null;
  /** Shared by all who need a token while one is being fetched. */
  private loggingIn: Promise<Token> | null = null;

  constructor(requester: Requester, keystone: Keystone) {
    this.requester = requester;
    this.keystone = keystone;
  }

  /** Where a service is; `types` are its names in catalogues, the best first. */
  async endpoint(
    types: readonly string[],
    where: Where,
    bounds: Bounds,
    suits?: (url: URL) => boolean,
  ): Promise<URL> {
    const { override, ...wanted } = where;
    if (override !== undefined) return override;
    const { catalogue } = await this.currentToken(bounds);
    return findEndpoint(catalogue, { types, ...wanted, ...(suits === undefined ? {} : { suits }) });
  }

  /** Keystone's own API v3: where the operator says it is, else where the log-in succeeded. */
  async identity(where: Where, bounds: Bounds): Promise<URL> {
    if (where.override !== undefined) return where.override;
    await this.currentToken(bounds);
    return this.keystone.address;
  }

  /**
   * Sends a call with the token. A 401 renews the token and sends the call once more, whatever the call:
   * a service that says 401 has refused before it did anything.
   */
  async send(call: Call, bounds: Bounds): Promise<Answer> {
    const first = await this.currentToken(bounds);
    const answer = await this.sendWith(first, call, bounds);
    if (answer.status !== 401) return answer;
    const second = await this.replace(first, bounds);
    const again = await this.sendWith(second, call, bounds);
    if (again.status !== 401) return again;
    const said = this.requester.refusal(again);
    throw new NovaError(
      'authFailed',
      `${call.service} refuses the token that Keystone has just given for it when asked to ${call.purpose}: ` +
        `look at ${call.service}'s own log-in at Keystone (HTTP 401)`,
      {
        status: 401,
        requestId: said.requestId,
        method: call.method,
        path: said.path ?? '',
        cause: new Error(said.message),
      },
    );
  }

  private sendWith(token: Token, call: Call, bounds: Bounds): Promise<Answer> {
    return this.requester.send(
      {
        ...call,
        headers: { ...call.headers, 'x-auth-token': token.value },
        accept: [...(call.accept ?? []), 401],
      },
      bounds,
    );
  }

  private async currentToken(bounds: Bounds): Promise<Token> {
    if (this.token !== null && this.requester.now() < this.token.renewAt) return this.token;
    return this.logIn(bounds);
  }

  /** A new token, unless somebody else has replaced the refused one meanwhile. */
  private replace(refused: Token, bounds: Bounds): Promise<Token> {
    if (this.token !== null && this.token !== refused) return this.currentToken(bounds);
    return this.logIn(bounds);
  }

  /**
   * One log-in serves all who need it at the same time, but each waits within its own bounds, and nobody fails
   * because somebody else's ran out.
   */
  private async logIn(bounds: Bounds): Promise<Token> {
    if (this.loggingIn !== null) {
      const there = seconds(Math.max(0, bounds.deadline - this.requester.now()));
      const tooLate = new NovaError('timeout', `Keystone gave no token in the ${there} s there were`);
      try {
        return await within(this.loggingIn, bounds, this.requester, tooLate);
      } catch (error) {
        if (error === tooLate || !(error instanceof NovaError) || error.code !== 'timeout') throw error;
        return this.logIn(bounds);
      }
    }
    this.loggingIn = this.keystone.logIn(bounds);
    try {
      this.token = await this.loggingIn;
      return this.token;
    } finally {
      this.loggingIn = null;
    }
  }
}

/** The promise's outcome, or the error once the bounds are reached. */
function within<T>(
  promise: Promise<T>,
  bounds: Bounds,
  { now, sleep }: Requester,
  tooLate: NovaError,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const over = new AbortController();
    const giveUp = () => settle(() => reject(tooLate));
    const settle = (finish: () => void) => {
      over.abort();
      bounds.signal?.removeEventListener('abort', giveUp);
      finish();
    };
    const left = Math.max(0, Math.min(bounds.deadline - now(), longestTimer));
    void sleep(left, over.signal).then(giveUp);
    bounds.signal?.addEventListener('abort', giveUp);
    if (bounds.signal?.aborted) giveUp();
    promise.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}
