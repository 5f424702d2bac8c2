/** Images by tag, from Glance. */
import type { Field } from './decode.ts';
import { NovaError } from './errors.ts';
import { decode } from './requester.ts';
import type { Session } from './session.ts';
import type { CallOptions, Image } from './types.ts';

/**
 * Images that bear the tag. Glance leaves hidden images out of a plain list, and servers booted before their
 * image was hidden go on bearing it, so hidden images are asked for as well.
 */
export async function listImagesByTag(
  session: Session,
  endpoint: URL,
  tag: string,
  options?: CallOptions,
): Promise<readonly Image[]> {
  const images = new Map<string, Image>();
  for (const query of [{ tag }, { tag, os_hidden: 'true' }]) {
    for (const image of await pages(session, endpoint, query, options)) {
      if (image.tags.includes(tag)) images.set(image.id, image);
    }
  }
  return [...images.values()];
}

async function pages(
  session: Session,
  endpoint: URL,
  query: Readonly<Record<string, string>>,
  options?: CallOptions,
): Promise<readonly Image[]> {
  const images: Image[] = [];
  const seen = new Set<string>();
  let search: string | null = new URLSearchParams(query).toString();
  while (search !== null) {
    const url = new URL(endpoint);
    // The catalogue has the address with and without the version.
    url.pathname = `${endpoint.pathname.replace(/\/+$/, '').replace(/\/v\d(\.\d+)?$/, '')}/v2/images`;
    url.search = search;
    const answer = await session.send(
      {
        service: 'Glance',
        purpose: `list the images with tag ${query['tag']}`,
        method: 'GET',
        url,
        headers: {},
        changesState: false,
        repeat: 'safe',
      },
      session.requester.bounds(options),
    );
    const page = decode(answer, (body) => ({
      images: body.get('images').list(readImage),
      next: body.get('next').stringOrNull(),
    }));
    images.push(...page.images);
    search = page.next === null ? null : page.next.slice(page.next.indexOf('?') + 1);
    if (search !== null && seen.has(search)) {
      throw new NovaError('malformed', 'Glance names the same next page of images again and again');
    }
    if (search !== null) seen.add(search);
  }
  return images;
}

function readImage(image: Field): Image {
  const tags = image.get('tags');
  return {
    id: image.get('id').string(),
    name: image.get('name').stringOrNull(),
    tags: tags.isNothing ? [] : tags.list((tag) => tag.string()),
  };
}
