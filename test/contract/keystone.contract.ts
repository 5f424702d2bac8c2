import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { items, pick } from '../simulators/json.ts';
import { Stage } from './stage.ts';
import { passwordBody, request, Wire } from './wire.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.set();
});
afterAll(async () => {
  await stage.cloud.close();
});

const unauthorized = {
  error: { code: 401, message: 'The request you have made requires authentication.', title: 'Unauthorized' },
};

describe('Keystone', () => {
  it('lists its versions with 300 at its root', async () => {
    const answer = await request('GET', `${new URL(stage.cloud.authUrl).origin}/`);
    expect(answer.status).toBe(300);
    expect(pick(answer.json, 'versions', 'values', 0, 'id')).toMatch(/^v3\./);
    expect(pick(answer.json, 'versions', 'values', 0, 'links', 0, 'rel')).toBe('self');
  });

  it('describes v3 at /v3 and /v3/', async () => {
    for (const slash of ['', '/']) {
      const answer = await request('GET', `${stage.cloud.authUrl}${slash}`);
      expect(answer.status).toBe(200);
      expect(pick(answer.json, 'version', 'id')).toMatch(/^v3\./);
      expect(pick(answer.json, 'version', 'status')).toBe('stable');
    }
  });

  it('gives a token, its end and a catalogue for a password', async () => {
    const answer = await request('POST', `${stage.cloud.authUrl}/auth/tokens`, {
      body: passwordBody(stage.cloud.admin),
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('x-subject-token')).toMatch(/^\S{20,}$/);
    expect(answer.headers.get('x-openstack-request-id')).toMatch(/^req-/);
    expect(pick(answer.json, 'token', 'expires_at')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(pick(answer.json, 'token', 'project', 'name')).toBe(stage.cloud.admin.project);
    const types = items(answer.json, 'token', 'catalog').map((service) => pick(service, 'type'));
    expect(types).toEqual(expect.arrayContaining(['compute', 'image', 'identity']));
    const compute = items(answer.json, 'token', 'catalog').find(
      (service) => pick(service, 'type') === 'compute',
    );
    const here = items(compute, 'endpoints').filter((one) => pick(one, 'region') === stage.cloud.region);
    const faces = here.map((one) => pick(one, 'interface'));
    expect(faces.sort()).toEqual(['admin', 'internal', 'public']);
    expect(Object.keys(Object(pick(compute, 'endpoints', 0))).sort()).toEqual([
      'id',
      'interface',
      'region',
      'region_id',
      'url',
    ]);
  });

  it('gives no catalogue without a scope', async () => {
    const answer = await request('POST', `${stage.cloud.authUrl}/auth/tokens`, {
      body: passwordBody(stage.cloud.admin, false),
    });
    expect(answer.status).toBe(201);
    expect(pick(answer.json, 'token')).not.toHaveProperty('catalog');
  });

  it.each([
    ['a wrong password', { password: 'wrong' }],
    ['an unknown user', { username: 'nosuch' }],
    ['an unknown project', { project: 'nosuch' }],
    ['a project without a role', { project: 'other' }],
  ])('answers the same 401 to %s', async (what, change) => {
    const project = what.startsWith('a project') ? stage.cloud.member.project : stage.cloud.admin.project;
    const account = { ...stage.cloud.admin, project, ...(what.startsWith('a project') ? {} : change) };
    const answer = await request('POST', `${stage.cloud.authUrl}/auth/tokens`, {
      body: passwordBody(account),
    });
    expect(answer.status).toBe(401);
    expect(answer.json).toEqual(unauthorized);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Keystone uri="http/);
  });

  it('answers 400 to an empty body', async () => {
    const answer = await request('POST', `${stage.cloud.authUrl}/auth/tokens`, { body: '' });
    expect(answer.status).toBe(400);
    expect(pick(answer.json, 'error', 'message')).toMatch(/^Expecting to find auth in request body\./);
  });

  it('takes an application credential by id, and by name with its user', async () => {
    const { admin, cloud } = stage;
    const name = `contract-${Date.now()}`;
    const made = await request('POST', `${cloud.authUrl}/users/${admin.userId}/application_credentials`, {
      headers: { 'X-Auth-Token': admin.token },
      body: { application_credential: { name, secret: 'topsecret' } },
    });
    expect(made.status).toBe(201);
    const id = pick(made.json, 'application_credential', 'id');
    const login = (credential: unknown) =>
      request('POST', `${cloud.authUrl}/auth/tokens`, {
        body: {
          auth: { identity: { methods: ['application_credential'], application_credential: credential } },
        },
      });
    const byId = await login({ id, secret: 'topsecret' });
    expect(byId.status).toBe(201);
    expect(pick(byId.json, 'token', 'application_credential', 'restricted')).toBe(true);
    expect(items(byId.json, 'token', 'catalog').length).toBeGreaterThan(0);
    const user = { name: cloud.admin.username, domain: { name: 'Default' } };
    expect((await login({ name, user, secret: 'topsecret' })).status).toBe(201);
    const wrong = await login({ id, secret: 'wrong' });
    expect(wrong.status).toBe(401);
    expect(wrong.json).toEqual(unauthorized);
  });

  it('lists the projects to administrators, in one page', async () => {
    const { admin, cloud } = stage;
    const list = (token: string) =>
      request('GET', `${cloud.authUrl}/projects`, { headers: { 'X-Auth-Token': token } });
    const answer = await list(admin.token);
    expect(answer.status).toBe(200);
    const projects = items(answer.json, 'projects');
    const names = projects.map((project) => pick(project, 'name'));
    expect(names).toEqual(expect.arrayContaining([cloud.admin.project, cloud.member.project]));
    expect(Object.keys(Object(projects[0])).sort()).toEqual([
      'description',
      'domain_id',
      'enabled',
      'id',
      'is_domain',
      'links',
      'name',
      'options',
      'parent_id',
      'tags',
    ]);
    expect(pick(answer.json, 'links', 'next')).toBeNull();
    expect(answer.json).not.toHaveProperty('truncated');
    const member = await Wire.login(cloud.authUrl, cloud.member, cloud.region);
    const refused = await list(member.token);
    expect([refused.status, pick(refused.json, 'error', 'title')]).toEqual([403, 'Forbidden']);
    expect(pick(refused.json, 'error', 'message')).toMatch(
      /^You are not authorized to perform the requested action: identity:list_projects\.$/,
    );
    const stranger = await list('none');
    expect([stranger.status, stranger.json]).toEqual([401, unauthorized]);
  });
});
