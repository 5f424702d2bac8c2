/** Lists that come in pages: Nova's, Glance's, Cinder's and Keystone's ways to name the next one. */
import type { Field } from './decode.ts';
import { NovaError } from './errors.ts';

export type Query = Readonly<Record<string, string>>;

export interface Page<T> {
  readonly items: readonly T[];
  /** What the next page is asked with; null after the last. */
  readonly next: Query | null;
}

/**
 * Every page of a list, or as many as hold `enough` items. A service names the next page by an address that may be
 * one we cannot reach (it does not know of proxies before it), so that only its query is taken. `loops` says whose
 * mistake it is when a service names the same page twice.
 */
export async function everyPage<T>(
  first: Query,
  ask: (query: Query) => Promise<Page<T>>,
  loops: string,
  enough = Number.POSITIVE_INFINITY,
): Promise<T[]> {
  const items: T[] = [];
  const seen = new Set<string>();
  let next: Query | null = first;
  while (next !== null) {
    const page: Page<T> = await ask(next);
    // Not by spreading into push: a page may hold more than the stack takes.
    for (const item of page.items) items.push(item);
    if (items.length >= enough) return items.slice(0, enough);
    next = page.next;
    const key = JSON.stringify(next);
    if (next !== null && seen.has(key)) {
      throw new NovaError('malformed', `${loops}: it names the same next page again and again`);
    }
    seen.add(key);
  }
  return items;
}

/** `[{"rel": "next", "href": …}]`, as Nova and Cinder have it. */
export function nextOfLinks(links: Field): Query | null {
  if (links.isNothing) return null;
  const hrefs = links.list((link) => ({ rel: link.get('rel').string(), href: link.get('href').string() }));
  return queryOf(hrefs.find((link) => link.rel === 'next')?.href ?? null);
}

/** The query of an address or a path; null where there is none of either. */
export function queryOf(href: string | null): Query | null {
  if (href === null) return null;
  const at = href.indexOf('?');
  return Object.fromEntries(new URLSearchParams(at < 0 ? '' : href.slice(at + 1)));
}
