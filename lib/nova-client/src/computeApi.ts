/** The Compute API behind its endpoint: microversion headers, paging, decoding. */
import type { Field } from './decode.ts';
import { NovaError } from './errors.ts';
import { negotiate } from './microversion.ts';
import { type Bounds, type Call, decode } from './requester.ts';
import type { Session } from './session.ts';
import type { Answer } from './transport.ts';
import type { Accepted, CallOptions } from './types.ts';

export type Query = Readonly<Record<string, string>>;

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

  /**
   * Every page of a list. Nova names the next page by an address that may be one we cannot reach (it does not
   * know of proxies before it), so that only its query is taken.
   */
  async list<T>(
    path: string,
    name: string,
    purpose: string,
    read: (item: Field) => T,
    options: CallOptions = {},
    query: Query = {},
    enough = Number.POSITIVE_INFINITY,
  ): Promise<T[]> {
    const items: T[] = [];
    const seen = new Set<string>();
    let next: Query | null = query;
    while (next !== null) {
      const answer = await this.send('GET', path, purpose, options, { query: next });
      const page = decode(answer, (body) => ({
        items: body.get(name).list(read),
        next: nextQuery(body.get(`${name}_links`)),
      }));
      for (const item of page.items) items.push(item);
      if (items.length >= enough) return items.slice(0, enough);
      const key: string = JSON.stringify(page.next);
      if (page.next !== null && seen.has(key)) {
        throw new NovaError(
          'malformed',
          `Nova names the same next page again and again when asked to ${purpose}`,
          {
            method: 'GET',
            path,
            requestId: answer.requestId,
          },
        );
      }
      seen.add(key);
      next = page.next;
    }
    return items;
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
      },
      this.session.requester.bounds(options),
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

function nextQuery(links: Field): Query | null {
  if (links.isNothing) return null;
  const hrefs = links.list((link) => ({ rel: link.get('rel').string(), href: link.get('href').string() }));
  const next = hrefs.find((link) => link.rel === 'next');
  if (next === undefined) return null;
  const at = next.href.indexOf('?');
  return Object.fromEntries(new URLSearchParams(at < 0 ? '' : next.href.slice(at + 1)));
}
