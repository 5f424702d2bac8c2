import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { items, pick } from '../simulators/json.ts';
import { Stage } from './stage.ts';
import { request, Wire, type WireAnswer } from './wire.ts';

let stage: Stage;
let source = '';
beforeAll(async () => {
  stage = await Stage.set();
  source = stage.host(0);
}, 60_000);
afterAll(async () => {
  await stage.calm();
  await stage.cloud.close();
}, 60_000);

const keys = (value: unknown) => Object.keys(Object(value)).sort();
const refusal = (answer: WireAnswer) => ({
  status: answer.status,
  shownStatus: pick(answer.json, 'errors', 0, 'status'),
  detail: String(pick(answer.json, 'errors', 0, 'detail')),
});
const candidates = (version: string, query = 'resources=VCPU:1,MEMORY_MB:1') =>
  stage.admin.place(`/allocation_candidates?${query}`, version);

/** What Placement has of a host: `MEMORY_MB` used, and so on. */
async function countsOf(host: string): Promise<Record<string, { capacity: number; used: number }>> {
  const id = await stage.providerOf(host);
  const resources = pick((await candidates('1.36')).json, 'provider_summaries', id, 'resources');
  return Object.fromEntries(
    keys(resources).map((name) => [
      name,
      {
        capacity: Number(pick(resources, name, 'capacity')),
        used: Number(pick(resources, name, 'used')),
      },
    ]),
  );
}
const used = async (host: string) => {
  const counts = await countsOf(host);
  return [counts['VCPU']?.used, counts['MEMORY_MB']?.used, counts['DISK_GB']?.used];
};

describe('Placement', () => {
  it('tells its versions at its root, without a token', async () => {
    const answer = await request('GET', `${stage.admin.placement}/`);
    expect(answer.status).toBe(200);
    expect(pick(answer.json, 'versions', 0, 'id')).toBe('v1.0');
    expect(pick(answer.json, 'versions', 0, 'min_version')).toBe('1.0');
    expect(pick(answer.json, 'versions', 0, 'max_version')).toMatch(/^1\.\d+$/);
  });

  it('refuses in a shape of its own, a bad token as every service does', async () => {
    const bad = await request('GET', `${stage.admin.placement}/resource_providers`, {
      headers: { 'X-Auth-Token': 'none' },
    });
    expect([bad.status, pick(bad.json, 'error', 'code')]).toEqual([401, 401]);
    const member = await Wire.login(stage.cloud.authUrl, stage.cloud.member, stage.cloud.region);
    expect(refusal(await member.place('/resource_providers'))).toMatchObject({
      status: 403,
      shownStatus: 403,
    });
    const tooNew = await candidates('1.999');
    expect(refusal(tooNew)).toMatchObject({ status: 406, shownStatus: 406 });
    expect(pick(tooNew.json, 'errors', 0, 'min_version')).toBe('1.0');
    expect(refusal(await candidates('1.36', 'limit=1'))).toMatchObject({ status: 400 });
    const unknown = refusal(await candidates('1.36', 'resources=NONSENSE:1'));
    expect(unknown.detail).toContain('Invalid resource class in resources parameter');
    const nobody = '99999999-9999-4999-8999-999999999999';
    const gone = refusal(await stage.admin.place(`/resource_providers/${nobody}/allocations`));
    expect(gone).toMatchObject({ status: 404, shownStatus: 404 });
    expect(refusal(await candidates('1.9')).status).toBe(404);
  });

  it('knows hosts by the ids of their hypervisors', async () => {
    const answer = await stage.admin.place('/resource_providers');
    const provider = items(answer.json, 'resource_providers').find((one) => pick(one, 'name') === source);
    expect(keys(provider)).toEqual([
      'generation',
      'links',
      'name',
      'parent_provider_uuid',
      'root_provider_uuid',
      'uuid',
    ]);
    expect(pick(provider, 'uuid')).toBe(await stage.providerOf(source));
    expect(pick(provider, 'parent_provider_uuid')).toBeNull();
  });

  it.each([
    ['1.10', ['resources']],
    ['1.17', ['resources', 'traits']],
    ['1.29', ['parent_provider_uuid', 'resources', 'root_provider_uuid', 'traits']],
    ['1.36', ['parent_provider_uuid', 'resources', 'root_provider_uuid', 'traits']],
  ])('at %s tells of candidates %j', async (version, members) => {
    const answer = await candidates(version);
    expect(answer.status).toBe(200);
    expect(keys(answer.json)).toEqual(['allocation_requests', 'provider_summaries']);
    const summary = pick(answer.json, 'provider_summaries', await stage.providerOf(source));
    expect(keys(summary)).toEqual(members);
    // All classes from 1.27 on, what was asked for below.
    const classes = Number(version.slice(2)) >= 27 ? ['DISK_GB', 'MEMORY_MB', 'VCPU'] : ['MEMORY_MB', 'VCPU'];
    expect(keys(pick(summary, 'resources'))).toEqual(classes);
    expect(keys(pick(summary, 'resources', 'VCPU'))).toEqual(['capacity', 'used']);
    const first = pick(answer.json, 'allocation_requests', 0);
    expect(Array.isArray(pick(first, 'allocations'))).toBe(version === '1.10');
    expect(keys(first)).toEqual(version === '1.36' ? ['allocations', 'mappings'] : ['allocations']);
  });

  it('counts an evacuated server on both hosts until the old one has cleaned up', async () => {
    await stage.calm();
    const before = new Map<string, (number | undefined)[]>();
    for (const host of stage.hosts) before.set(host, await used(host));
    const plus = (host: string, by: number) => {
      const [vcpus = 0, memory = 0, disk = 0] = before.get(host) ?? [];
      return [vcpus + by, memory + 128 * by, disk + by];
    };
    const [id = ''] = await stage.boot(1, source);
    expect(await used(source)).toEqual(plus(source, 1));
    const allocations = await stage.admin.place(
      `/resource_providers/${await stage.providerOf(source)}/allocations`,
    );
    expect(pick(allocations.json, 'allocations', id, 'resources')).toEqual({
      VCPU: 1,
      MEMORY_MB: 128,
      DISK_GB: 1,
    });
    await stage.fail(source);
    expect((await stage.admin.action(id, { evacuate: {} })).status).toBe(200);
    const { host } = await stage.evacuated(id);
    expect(await used(source)).toEqual(plus(source, 1));
    expect(await used(host ?? '')).toEqual(plus(host ?? '', 1));
    await stage.bringBack(source);
    await stage.until(async () =>
      JSON.stringify(await used(source)) === JSON.stringify(plus(source, 0)) ? true : undefined,
    );
    expect(await used(host ?? '')).toEqual(plus(host ?? '', 1));
  }, 90_000);

  it('goes on naming a host that is down or disabled; the trait of a disabled one says so', async () => {
    await stage.calm();
    const summaryOf = async (host: string) =>
      pick((await candidates('1.36')).json, 'provider_summaries', await stage.providerOf(host));
    const disabled = stage.host(1);
    await stage.setService(disabled, { status: 'disabled', disabled_reason: 'a test' });
    await stage.until(async () =>
      items(await summaryOf(disabled), 'traits').includes('COMPUTE_STATUS_DISABLED') ? true : undefined,
    );
    const without = await candidates('1.36', 'resources=VCPU:1&required=!COMPUTE_STATUS_DISABLED');
    expect(keys(pick(without.json, 'provider_summaries'))).not.toContain(await stage.providerOf(disabled));
    await stage.setService(disabled, { status: 'enabled' });
    await stage.until(async () =>
      items(await summaryOf(disabled), 'traits').includes('COMPUTE_STATUS_DISABLED') ? undefined : true,
    );
    await stage.fail(source);
    // Down, then disabled, as after fencing: nova-compute is not there to set the trait.
    await stage.setService(source, { status: 'disabled', disabled_reason: 'a test' });
    expect(items(await summaryOf(source), 'traits')).not.toContain('COMPUTE_STATUS_DISABLED');
  }, 90_000);
});
