import { cinderHandler } from './cinder.ts';
import { type Clock, realClock } from './clock.ts';
import { type FaultAction, Faults, patchJson } from './faults.ts';
import { glanceHandler } from './glance.ts';
import { type ApiReply, type ApiRequest, type Handler, newRequestId, type ServiceName } from './http.ts';
import { Keystone } from './keystone.ts';
import { defaultKnobs, type Knobs, speedUp, withKnobs } from './knobs.ts';
import { novaHandler } from './nova/index.ts';
import { placementHandler } from './placement/index.ts';
import { type LoggedRequest, RequestLog } from './requestLog.ts';
import { applyScenario } from './scenario.ts';
import { World } from './world.ts';

export { serviceNames } from './http.ts';

export interface ServicesOptions {
  /** What is there at the beginning (see scenario.ts); three hosts and no servers unless said otherwise. */
  readonly scenario?: unknown;
  readonly knobs?: Partial<Knobs>;
  /** Divides the default durations; knobs that are given stay as they are. */
  readonly speed?: number;
  readonly clock?: Clock;
  /** Regions of the catalogue; every one points to the same services. */
  readonly regions?: readonly string[];
}

/** A request as it comes in, by whatever wire. */
export interface Received {
  readonly service: ServiceName;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** Address the client used. */
  readonly origin: string;
  /** Who sent it, where the wire knows. */
  readonly sender?: string;
}

/** What becomes of a request. */
export type Outcome =
  /** `truncated`: half of the body, then the connection ends. */
  | { readonly kind: 'reply'; readonly reply: ApiReply; readonly truncated: boolean }
  /** Never answered. */
  | { readonly kind: 'hang' }
  /** The connection is torn down. */
  | { readonly kind: 'reset' };

/** The simulated services without a wire: requests in, answers out, faults included. */
export class CloudServices {
  readonly world: World;
  readonly keystone: Keystone;
  readonly faults = new Faults();
  readonly requests = new RequestLog();
  readonly #clock: Clock;
  readonly #regions: readonly string[];
  readonly #handlers: Record<ServiceName, Handler>;
  #authUrl = '';

  constructor(options: ServicesOptions = {}) {
    this.#clock = options.clock ?? realClock;
    this.#regions = options.regions ?? ['RegionOne'];
    // What is asked for by name is not divided.
    const knobs: Knobs = { ...defaultKnobs };
    if (options.speed !== undefined) speedUp(knobs, options.speed);
    this.world = new World(this.#clock, withKnobs(knobs, options.knobs ?? {}));
    this.keystone = new Keystone(this.#clock, this.world.knobs);
    applyScenario(this.world, this.keystone, options.scenario ?? {});
    this.#handlers = {
      keystone: this.keystone.handler,
      nova: novaHandler(this.world, this.keystone, () => this.#authUrl),
      glance: glanceHandler(this.world, this.keystone),
      placement: placementHandler(this.world, this.keystone, () => this.#authUrl),
      cinder: cinderHandler(this.world, this.keystone, () => this.#authUrl),
    };
  }

  /** Puts the addresses of the services into the catalogue. */
  publish(urls: Readonly<Record<ServiceName, string>>): void {
    this.#authUrl = `${urls.keystone}/v3`;
    for (const region of this.#regions) {
      for (const face of ['public', 'internal', 'admin']) {
        const common = { interface: face, region };
        this.keystone.catalog.push(
          { ...common, service: 'identity', name: 'keystone', url: this.#authUrl },
          { ...common, service: 'image', name: 'glance', url: urls.glance },
          { ...common, service: 'compute', name: 'nova', url: `${urls.nova}/v2.1` },
          { ...common, service: 'placement', name: 'placement', url: urls.placement },
          { ...common, service: 'volumev3', name: 'cinderv3', url: `${urls.cinder}/v3/%(project_id)s` },
        );
      }
    }
  }

  /** Carries one request out, or what a fault makes of it. */
  async answer(received: Received): Promise<Outcome> {
    const at = this.#clock.now();
    const url = new URL(received.target, 'http://localhost');
    const { service, method, headers, body, origin } = received;
    const request: ApiRequest = {
      service,
      method,
      path: url.pathname,
      query: url.searchParams,
      headers,
      body,
      origin,
      requestId: newRequestId(),
    };
    const entry: LoggedRequest = {
      at,
      service,
      method,
      path: received.target,
      body: service === 'keystone' ? '' : body,
      microversion: headers['x-openstack-nova-api-version'] ?? headers['openstack-api-version'] ?? null,
      status: null,
      took: null,
      fault: false,
    };
    this.requests.entries.push(entry);
    const fault = this.faults.strike(request);
    entry.fault = fault !== undefined;
    this.world.observer.received(request, received.sender ?? null);
    try {
      const outcome = await this.#outcome(request, fault);
      if (outcome.kind === 'reply') entry.status = outcome.reply.status;
      return outcome;
    } catch (error) {
      // A fault of the simulator itself: loud in the test's output, and an answer no client could take for Nova's.
      console.error('The simulated cloud failed:', error);
      const text = 'The simulated cloud failed; see its stderr.';
      return { kind: 'reply', reply: { status: 500, headers: {}, text }, truncated: false };
    } finally {
      entry.took = this.#clock.now() - at;
      this.world.observer.settled();
    }
  }

  /** Nova reads its databases while it is called, and waits for nothing before. */
  #handle(handler: Handler, request: ApiRequest, withoutCell: boolean): ApiReply | Promise<ApiReply> {
    const { knobs } = this.world;
    const { cellDown } = knobs;
    knobs.cellDown ||= withoutCell;
    try {
      return handler(request);
    } finally {
      knobs.cellDown = cellDown;
    }
  }

  async #outcome(request: ApiRequest, fault: FaultAction | undefined): Promise<Outcome> {
    const carryOut = this.#handlers[request.service];
    const handler: Handler =
      fault?.cellAway === true ? (given) => this.#withoutCell(() => carryOut(given)) : carryOut;
    if (fault === undefined) return { kind: 'reply', reply: await handler(request), truncated: false };
    if (fault.expireTokens === true) this.keystone.revokeAll();
    const { delayMs } = fault;
    if (delayMs !== undefined) {
      await new Promise<void>((resolve) => {
        this.#clock.after(delayMs, resolve);
      });
    }
    if (fault.hang === true) {
      if (fault.effect === true) await handler(request);
      return { kind: 'hang' };
    }
    if (fault.reset === 'before') return { kind: 'reset' };
    const isAnswered = fault.status === undefined || fault.effect === true;
    const real = isAnswered ? await this.#handle(handler, request, fault.withoutCell === true) : null;
    if (fault.reset === 'after') return { kind: 'reset' };
    return { kind: 'reply', reply: changed(real, fault), truncated: fault.truncate === true };
  }

  /** What an operation finds it finds before it waits for anything. */
  #withoutCell<T>(operation: () => T): T {
    const { knobs } = this.world;
    const { cellDown } = knobs;
    knobs.cellDown = true;
    try {
      return operation();
    } finally {
      knobs.cellDown = cellDown;
    }
  }
}

/** The answer under a fault that leaves one; `real` is null where the request was not carried out. */
function changed(real: ApiReply | null, fault: FaultAction): ApiReply {
  if (fault.status !== undefined || real === null) {
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
  if (fault.text !== undefined) {
    return { status: real.status, headers: { ...real.headers, ...fault.headers }, text: fault.text };
  }
  return {
    ...real,
    headers: { ...real.headers, ...fault.headers },
    json: fault.json !== undefined ? fault.json : patchJson(real.json, fault),
  };
}
