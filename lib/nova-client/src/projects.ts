import type { Field } from './decode.ts';
import { NovaError } from './errors.ts';
import { everyPage, type Page, queryOf } from './paging.ts';
import { decode } from './requester.ts';
import type { Session, Where } from './session.ts';
import type { CallOptions, Project } from './types.ts';

/**
 * The projects of all domains. Most versions of Keystone give them in one page, newer ones name a next one. One that
 * cuts the list off by its `list_limit` says so and has no next page: half a list is no answer to us.
 */
export async function listProjects(
  session: Session,
  where: Where,
  options?: CallOptions,
): Promise<readonly Project[]> {
  const purpose = 'list the projects';
  const base = await session.identity(where, session.requester.bounds(options));
  return everyPage(
    {},
    async (query) => {
      const url = new URL(base);
      url.pathname = `${base.pathname}/projects`;
      url.search = new URLSearchParams(query).toString();
      const answer = await session.send(
        {
          service: 'Keystone',
          purpose,
          method: 'GET',
          url,
          headers: {},
          changesState: false,
          repeat: 'safe',
        },
        session.requester.bounds(options),
      );
      const page = decode(answer, readPage);
      if (page.isCut && page.next === null) {
        throw new NovaError(
          'malformed',
          `Keystone lists the first ${page.items.length} projects only: its list_limit is smaller than their number`,
          { method: 'GET', path: url.pathname, requestId: answer.requestId },
        );
      }
      return page;
    },
    `Keystone sent a malformed answer when asked to ${purpose}`,
  );
}

function readPage(body: Field): Page<Project> & { readonly isCut: boolean } {
  const links = body.get('links');
  return {
    items: body.get('projects').list((project) => ({
      id: project.get('id').string(),
      name: project.get('name').string(),
    })),
    next: links.isNothing ? null : queryOf(links.get('next').stringOrNull()),
    isCut: body.get('truncated').booleanOrNull() ?? false,
  };
}
