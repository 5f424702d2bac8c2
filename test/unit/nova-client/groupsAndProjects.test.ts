// What servers belong to: their groups in Nova, their projects in Keystone.
import { connect } from '@openstack-ts/nova-client';
import { describe, expect, it } from 'vitest';
import { type Cloud, type CloudOptions, cloud, configOf, surroundings } from './loopback.ts';

async function asked(answer: NonNullable<CloudOptions['answer']>, options: CloudOptions = {}) {
  const one: Cloud = await cloud({ ...options, answer });
  return { one, nova: await connect(one.config, surroundings()) };
}

describe('a server group', () => {
  const group = { id: 'g-1', name: 'web', project_id: 'p', user_id: 'u', members: [] };

  it.each([
    ['2.64', { ...group, policy: 'anti-affinity', rules: {} }, 'anti-affinity'],
    ['2.63', { ...group, policies: ['soft-affinity'], metadata: {} }, 'soft-affinity'],
    ['2.14', { ...group, policies: [], metadata: {} }, ''],
  ])('at %s tells its policy', async (max, server_group, policy) => {
    const { one, nova } = await asked(
      (seen) => (seen.path.includes('os-server-groups') ? { body: { server_group } } : null),
      { version: { min: '2.1', max } },
    );
    expect(await nova.getServerGroup('g-1')).toEqual({ id: 'g-1', name: 'web', policy });
    expect(one.calls()).toEqual(['GET /v2.1/os-server-groups/g-1']);
  });

  it('that is gone is notFound', async () => {
    const { nova } = await asked((seen) =>
      seen.path.includes('os-server-groups')
        ? {
            status: 404,
            body: { itemNotFound: { code: 404, message: 'Instance group g-1 could not be found.' } },
          }
        : null,
    );
    await expect(nova.getServerGroup('g-1')).rejects.toMatchObject({ code: 'notFound' });
  });
});

describe('projects', () => {
  const project = (id: string) => ({
    id,
    name: `name of ${id}`,
    domain_id: 'default',
    enabled: true,
    links: {},
  });
  const links = { self: 'http://x/v3/projects', previous: null, next: null };

  it('come from Keystone with the token, wherever its catalogue says it is', async () => {
    const { one, nova } = await asked((seen) =>
      seen.path === '/v3/projects' ? { body: { projects: [project('p-1'), project('p-2')], links } } : null,
    );
    expect(await nova.listProjects()).toEqual([
      { id: 'p-1', name: 'name of p-1' },
      { id: 'p-2', name: 'name of p-2' },
    ]);
    expect(one.calls()).toEqual(['GET /v3/projects']);
    expect(one.seen.at(-1)?.headers['x-auth-token']).toBe('token-1');
  });

  it.each(['', '/', '/v2.0', '/v3/'])('are asked for at v3 where auth_url ends in %j', async (end) => {
    const one = await cloud({
      answer: (seen) => {
        if (seen.path === '/') {
          const values = [{ id: 'v3.14', status: 'stable', links: [{ rel: 'self', href: '/v3/' }] }];
          return { status: 300, body: { versions: { values } } };
        }
        return seen.path === '/v3/projects' ? { body: { projects: [], links } } : null;
      },
    });
    const nova = await connect(configOf(one.url + end), surroundings());
    expect(await nova.listProjects()).toEqual([]);
  });

  it('come from every page of a Keystone that has pages', async () => {
    const { nova } = await asked((seen) => {
      if (seen.path === '/v3/projects?limit=1&marker=p-1')
        return { body: { projects: [project('p-2')], links } };
      const next = 'http://10.9.9.9/v3/projects?limit=1&marker=p-1';
      return seen.path === '/v3/projects'
        ? { body: { projects: [project('p-1')], links: { ...links, next }, truncated: true } }
        : null;
    });
    expect((await nova.listProjects()).map(({ id }) => id)).toEqual(['p-1', 'p-2']);
  });

  it('that are cut off are an error', async () => {
    const { nova } = await asked((seen) =>
      seen.path === '/v3/projects' ? { body: { projects: [project('p-1')], links, truncated: true } } : null,
    );
    await expect(nova.listProjects()).rejects.toMatchObject({
      code: 'malformed',
      message: 'Keystone lists the first 1 projects only: its list_limit is smaller than their number',
    });
  });

  it('are for administrators', async () => {
    const { nova } = await asked((seen) =>
      seen.path === '/v3/projects'
        ? {
            status: 403,
            body: { error: { code: 403, message: 'You are not authorized', title: 'Forbidden' } },
          }
        : null,
    );
    await expect(nova.listProjects()).rejects.toMatchObject({
      code: 'forbidden',
      message: 'Keystone refused to list the projects: You are not authorized (HTTP 403)',
    });
  });
});
