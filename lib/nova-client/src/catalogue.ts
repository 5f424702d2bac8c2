/** Keystone's service catalogue: where each service is found. */
import { type Field, WrongShape } from './decode.ts';
import { NovaError } from './errors.ts';
import { quoted } from './secrets.ts';
import type { EndpointInterface } from './types.ts';

export interface Endpoint {
  readonly type: string;
  readonly interface: string;
  readonly region: string | null;
  readonly url: string;
}

export interface Catalogue {
  readonly endpoints: readonly Endpoint[];
  /** Entries that cannot be read, each in a sentence that names it. They are in nobody's way who does not miss them. */
  readonly odd: readonly string[];
}

/** Reads what can be read: a cloud's catalogue holds the entries of many services, and we need those of four. */
export function readCatalogue(token: Field): Catalogue {
  const odd: string[] = [];
  const readable = <T>(list: Field, read: (item: Field) => T): T[] =>
    list
      .list((item) => {
        try {
          return [read(item)];
        } catch (error) {
          if (!(error instanceof WrongShape)) throw error;
          odd.push(error.message);
          return [];
        }
      })
      .flat();
  // A token without a project has no catalogue at all.
  if (token.get('catalog').isNothing) return { endpoints: [], odd };
  const services = readable(token.get('catalog'), (service) => {
    const type = service.get('type').stringOrNull() ?? '';
    return readable(service.get('endpoints'), (endpoint) => ({
      type,
      interface: endpoint.get('interface').string(),
      region: endpoint.get('region').stringOrNull() ?? endpoint.get('region_id').stringOrNull(),
      url: endpoint.get('url').stringOrNull() ?? '',
    }));
  });
  return { endpoints: services.flat(), odd };
}

/** What is looked for; an empty or absent region means any. */
export interface Wanted {
  /** Names of the service, the best first. */
  readonly types: readonly string[];
  /** An address that does not suit is passed over. */
  readonly suits?: (url: URL) => boolean;
  readonly endpointInterface: EndpointInterface;
  readonly region?: string;
}

/**
 * The endpoint's address, without a trailing slash. Throws `NovaError` with code `noEndpoint` and a sentence
 * that names what the catalogue has instead.
 */
export function findEndpoint(catalogue: Catalogue, wanted: Wanted): URL {
  const { types, suits = () => true } = wanted;
  const found = types
    .flatMap((type) =>
      catalogue.endpoints.filter((endpoint) => endpoint.type === type && matches(endpoint, wanted)),
    )
    .find(({ url }) => !URL.canParse(url) || suits(new URL(url)));
  if (found === undefined) throw new NovaError('noEndpoint', missing(catalogue, wanted));
  const url = URL.canParse(found.url) ? new URL(found.url) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || /[%$]\(/.test(found.url)) {
    throw new NovaError(
      'noEndpoint',
      `The catalogue's ${wanted.endpointInterface} endpoint of type ${found.type} is no usable address: ${quoted(found.url)}`,
    );
  }
  return bareAddress(url);
}

/** What requests are made of: no user, no query, and no slash at the end. */
export function bareAddress(url: URL): URL {
  const bare = new URL(url.origin);
  bare.pathname = url.pathname.replace(/\/+$/, '');
  return bare;
}

function matches(endpoint: Endpoint, { endpointInterface, region }: Wanted): boolean {
  return (
    // Catalogues migrated from Keystone v2 still carry the old spelling.
    endpoint.interface.replace(/URL$/, '') === endpointInterface &&
    (region === undefined || region === '' || endpoint.region === region)
  );
}

function missing({ endpoints, odd }: Catalogue, wanted: Wanted): string {
  const unread = odd.length === 0 ? '' : `; ${odd.length} of its entries cannot be read: ${odd[0]}`;
  return `${whatElse(endpoints, wanted)}${unread}`;
}

function whatElse(catalogue: readonly Endpoint[], wanted: Wanted): string {
  const region = wanted.region ? ` in region ${wanted.region}` : '';
  const names = wanted.types.join(' or ');
  const what = `The catalogue has no ${wanted.endpointInterface} endpoint of type ${names}${region}`;
  const same = catalogue.filter((endpoint) => wanted.types.includes(endpoint.type));
  if (same.length > 0) {
    const list = same.map((endpoint) => `${endpoint.interface} in ${endpoint.region ?? 'no region'}`);
    const unsuitable = wanted.suits === undefined ? '' : ' that can be used';
    return `${what}${unsuitable}; for ${names} it has ${enumerate(list)}`;
  }
  if (catalogue.length === 0) return `${what}; it is empty: the log-in is not scoped to a project`;
  return `${what}; it has the service types ${enumerate(catalogue.map((endpoint) => endpoint.type))}`;
}

function enumerate(items: readonly string[]): string {
  const distinct = [...new Set(items)].sort();
  const shown = distinct.slice(0, 20).join(', ');
  return distinct.length > 20 ? `${shown} and ${distinct.length - 20} more` : shown;
}
