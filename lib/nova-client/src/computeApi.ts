/** The Compute API behind its endpoint: microversion headers, paging, decoding. */
import type { Field } from './decode.ts';
import { negotiate } from './microversion.ts';
import { everyPage, nextOfLinks, type Query } from './paging.ts';
import { type Bounds, type Call, decode } from './requester.ts';
import type { Session } from './session.ts';
import type { Answer } from './transport.ts';
import type { Accepted, CallOptions } from './types.ts';

/** Lists that Nova puts together from the databases of all its cells. */
const askedOfAllCells: ReadonlySet<string> = new Set([
  '/os-services',
  '/servers/detail',
  '/os-migrations',
  '/os-hypervisors/detail',
]);

export class ComputeApi {
  /** N of the negotiated microversion `2.N`. */
  readonly minor: number;
  private readonly session: Session;
  private readonly base: URL;

  constructor(session: Session, base: URL, minor: number) {
    this.session = session;
    this.base = base;
    this.minor = minor;
  }

  /** The same, asked with a lower microversion where `minor` is lower than the one that was settled on. */
  atMost(minor: number): ComputeApi {
    return new ComputeApi(this.session, this.base, Math.min(this.minor, minor));
  }

  /** Asks Nova which microversions it has, once, and settles on one. */
  static async open(session: Session, endpoint: URL, bounds: Bounds): Promise<ComputeApi> {
    const place = placeOf(endpoint);
    const answer = await session.send(
      {
        service: 'Nova',
        purpose: 'name its microversions',
        method: 'GET',
        url: place.versionDocument,
        headers: {},
        changesState: false,
        repeat: 'safe',
        accept: [300, 404],
      },
      bounds,
    );
    // A Nova that has /v2 alone knows no microversions, and its list of versions is not needed.
    if (answer.status === 404 && place.fallback !== null) return new ComputeApi(session, place.fallback, 1);
    if (answer.status === 404) throw session.requester.refusal(answer);
    return new ComputeApi(session, place.base, negotiate(decode(answer, readVersion)));
  }

  async get<T>(
    path: string,
    purpose: string,
    read: (body: Field) => T,
    options: CallOptions = {},
    query: Query = {},
  ): Promise<T> {
    return decode(await this.send('GET', path, purpose, options, { query }), read);
  }

  /** For records that are passed over: why, for whoever debugs. */
  note(line: string): void {
    this.session.requester.note(`Nova: ${line}`);
  }

  /** Every page of a list, or as many as hold `enough`. */
  list<T>(
    path: string,
    name: string,
    purpose: string,
    read: (item: Field) => T,
    options: CallOptions = {},
    query: Query = {},
    enough = Number.POSITIVE_INFINITY,
  ): Promise<T[]> {
    return everyPage(
      query,
      async (page) =>
        decode(await this.send('GET', path, purpose, options, { query: page }), (body) => ({
          items: body.get(name).list(read),
          next: nextOfLinks(body.get(`${name}_links`)),
        })),
      `Nova sent a malformed answer when asked to ${purpose}`,
      enough,
    );
  }

  async put(path: string, purpose: string, body: unknown, options: CallOptions = {}): Promise<Accepted> {
    return accepted(await this.send('PUT', path, purpose, options, { body }));
  }

  /** Sent once and never repeated. */
  async postOnce(path: string, purpose: string, body: unknown, options: CallOptions = {}): Promise<Accepted> {
    return accepted(await this.send('POST', path, purpose, options, { body }));
  }

  private send(
    method: Call['method'],
    path: string,
    purpose: string,
    options: CallOptions,
    what: { readonly query?: Query; readonly body?: unknown },
  ): Promise<Answer> {
    const url = new URL(this.base);
    url.pathname = `${this.base.pathname}${path}`;
    for (const [key, value] of Object.entries(what.query ?? {})) url.searchParams.set(key, value);
    const isSlow = method === 'GET' && askedOfAllCells.has(path);
    return this.session.send(
      {
        service: 'Nova',
        purpose,
        method,
        url,
        headers: {
          // The second spelling is the only one that Nova before 2.27 understands.
          'openstack-api-version': `compute 2.${this.minor}`,
          'x-openstack-nova-api-version': `2.${this.minor}`,
        },
        ...(what.body === undefined ? {} : { body: JSON.stringify(what.body) }),
        changesState: method !== 'GET',
        repeat: method === 'POST' ? 'never' : 'safe',
        isSlow,
      },
      this.session.requester.bounds(options, isSlow ? 2 : 0),
    );
  }
}

/** Nothing else of the answer leaves: the request it belongs to holds the token, and its body may hold a password. */
function accepted(answer: Answer): Accepted {
  return { requestId: answer.requestId };
}

/**
 * Where to ask for microversions and where to send requests, from the catalogue's endpoint: `…/v2.1`,
 * `…/v2.1/<project>`, `…/v2/<project>` (the old name, beside which /v2.1 usually is), or the bare address.
 * The project is kept for requests, because Nova before 2016 insists on it, and dropped for the version.
 */
function placeOf(endpoint: URL): { base: URL; versionDocument: URL; fallback: URL | null } {
  const match = /^(.*)\/(v2(?:\.1)?)(\/[^/]+)?$/.exec(endpoint.pathname.replace(/\/+$/, ''));
  const root = match?.[1] ?? endpoint.pathname.replace(/\/+$/, '');
  const project = match?.[3] ?? '';
  const at = (path: string) => {
    const url = new URL(endpoint);
    url.pathname = path;
    return url;
  };
  return {
    base: at(`${root}/v2.1${project}`),
    versionDocument: at(`${root}/v2.1/`),
    fallback: match?.[2] === 'v2' ? at(endpoint.pathname) : null,
  };
}

function readVersion(body: Field): { min: string; max: string } {
  const version = body.get('version');
  return {
    min: version.get('min_version').stringOrNull() ?? '',
    max: version.get('version').stringOrNull() ?? '',
  };
}
