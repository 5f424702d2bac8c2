import type { ApiRequest, JsonObject } from '../http.ts';
import { isObject, parseJson } from '../http.ts';
import type { Token } from '../keystone.ts';
import { badRequest, forbidden } from '../model.ts';
import type { Requester, World } from '../world.ts';

/** One request to Nova, its token and microversion settled. */
export interface NovaContext {
  readonly world: World;
  readonly request: ApiRequest;
  readonly token: Token;
  /** The minor number: 93 for 2.93. */
  readonly minor: number;
  readonly isAdmin: boolean;
  readonly by: Requester;
  /** `http://127.0.0.1:4711`: links to resources add `/v2.1/…`, bookmarks do not. */
  readonly origin: string;
}

/** What a Nova operation answers: 200 and JSON unless it says otherwise. */
export interface NovaAnswer {
  readonly status?: number;
  readonly json?: unknown;
  /** Kept waiting that long, ms. */
  readonly afterMs?: number;
}

/** How Nova's records spell a host; its services bear the name as it is. */
export function spelled<T extends string | null>({ world }: NovaContext, host: T): T | string {
  return host !== null && world.knobs.oldHostCase ? host.toUpperCase() : host;
}

/** Whether a filter names a host: MySQL, which most Novas have, compares without case. */
export function isNamed(host: string | null, wanted: string): boolean {
  return host !== null && host.toLowerCase() === wanted.toLowerCase();
}

export function requireAdmin(context: NovaContext, rule: string): void {
  if (!context.isAdmin) throw forbidden(rule);
}

export function jsonBody(context: NovaContext): JsonObject {
  const body = parseJson(context.request.body);
  if (!isObject(body)) throw badRequest('Malformed request body');
  return body;
}

/** `limit` as Nova takes it: a number that is not negative, cut silently to its maximum. */
export function pageLimit(context: NovaContext): number {
  const { maxLimit } = context.world.knobs;
  const given = context.request.query.get('limit');
  if (given === null) return maxLimit;
  if (!/^\d+$/.test(given)) {
    throw badRequest(
      `Invalid input for query parameters limit. Value: ${given}. '${given}' does not match '^[0-9]*$'`,
    );
  }
  return Math.min(Number(given), maxLimit);
}

/**
 * The items of one page and the link that leads on. As in Nova, a full page has the link whether or not anything
 * follows, so that the last page may be empty.
 */
export function paginate<Item extends { readonly id: string }>(
  context: NovaContext,
  items: readonly Item[],
  path: string,
): { page: readonly Item[]; links: unknown } {
  const limit = pageLimit(context);
  const marker = context.request.query.get('marker');
  let start = 0;
  if (marker !== null && marker !== '') {
    start = items.findIndex((item) => item.id === marker) + 1;
    if (start === 0) throw badRequest(`marker [${marker}] not found`);
  }
  const page = items.slice(start, start + limit);
  const last = page.at(-1);
  if (last === undefined || page.length < limit) return { page, links: undefined };
  // Nova rebuilds the query from its own sorted dictionary and puts the marker last.
  const next = new URLSearchParams([...context.request.query].filter(([key]) => key !== 'marker').sort());
  next.set('marker', last.id);
  return { page, links: [{ rel: 'next', href: `${context.origin}/v2.1${path}?${next.toString()}` }] };
}
