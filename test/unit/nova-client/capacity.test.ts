import { connect, type NovaClient } from '@openstack-ts/nova-client';
import { describe, expect, it } from 'vitest';
import { type Cloud, cloud, type Reply, surroundings } from './loopback.ts';
import { hypervisor, summary } from './records.ts';

interface Made {
  readonly summaries?: Readonly<Record<string, unknown>>;
  readonly hypervisors?: readonly unknown[];
  readonly max?: string;
  readonly placement?: Reply;
}

async function made({ summaries = {}, hypervisors = [], max = '2.93', placement }: Made) {
  const one: Cloud = await cloud({
    version: { min: '2.1', max },
    catalogue: (url) => [
      { type: 'compute', endpoints: [{ interface: 'internal', region: 'one', url: `${url}/v2.1` }] },
      { type: 'placement', endpoints: [{ interface: 'internal', region: 'one', url: `${url}/placement/` }] },
    ],
    answer: (seen) => {
      if (seen.path.startsWith('/placement')) {
        const allocation_requests = Object.keys(summaries).map((id) => ({
          allocations: { [id]: { resources: { MEMORY_MB: 1 } } },
        }));
        return placement ?? { body: { allocation_requests, provider_summaries: summaries } };
      }
      return seen.path.startsWith('/v2.1/os-hypervisors') ? { body: { hypervisors } } : null;
    },
  });
  const nova: NovaClient = await connect(one.config, surroundings());
  return { one, nova };
}

const at = (host: string, id: string) =>
  hypervisor({ id, service: { id: 's', host, disabled_reason: null } });

const plainTraits = new Set(['COMPUTE_NODE', 'HW_CPU_X86_SSE2']);

describe('the room of the hosts', () => {
  it("is Placement's count by Nova's name of the host", async () => {
    const { one, nova } = await made({
      summaries: {
        'rp-1': summary('rp-1', { VCPU: [16, 3], MEMORY_MB: [7680, 512], DISK_GB: [100, 0] }),
        'rp-2': summary('rp-2', { VCPU: [16, 0], MEMORY_MB: [7680, 0] }),
        // Storage that several hosts share is no host.
        storage: summary('storage', { DISK_GB: [1000, 10] }),
      },
      hypervisors: [at('comp1', 'rp-1'), at('comp2', 'rp-2'), at('full', 'rp-3')],
    });
    expect(await nova.listCapacity()).toEqual([
      {
        host: 'comp1',
        traits: plainTraits,
        resources: {
          VCPU: { capacity: 16, used: 3 },
          MEMORY_MB: { capacity: 7680, used: 512 },
          DISK_GB: { capacity: 100, used: 0 },
        },
      },
      {
        host: 'comp2',
        traits: plainTraits,
        resources: { VCPU: { capacity: 16, used: 0 }, MEMORY_MB: { capacity: 7680, used: 0 } },
      },
    ]);
    expect(one.calls().sort()).toEqual([
      'GET /placement/allocation_candidates?resources=MEMORY_MB:1',
      'GET /v2.1/os-hypervisors/detail',
    ]);
    const versions = one.seen
      .slice(2)
      .map(({ path, headers }) => `${path.split('/')[1]} ${headers['openstack-api-version']}`);
    // With 2.88 Nova would ask every host for its uptime.
    expect(versions.sort()).toEqual(['placement placement 1.29', 'v2.1 compute 2.87']);
  });

  it('adds up what the providers below a host have, in classes that it has not itself', async () => {
    const { nova } = await made({
      summaries: {
        host: summary('host', { DISK_GB: [100, 7] }),
        'numa-0': summary('host', { VCPU: [8, 1], MEMORY_MB: [4096, 1024], DISK_GB: [5, 5] }),
        'numa-1': summary('host', { VCPU: [8, 2], MEMORY_MB: [4096, 0] }),
      },
      hypervisors: [at('comp1', 'host')],
    });
    expect(await nova.listCapacity()).toEqual([
      {
        host: 'comp1',
        traits: plainTraits,
        resources: {
          VCPU: { capacity: 16, used: 3 },
          MEMORY_MB: { capacity: 8192, used: 1024 },
          DISK_GB: { capacity: 100, used: 7 },
        },
      },
    ]);
  });

  it('leaves out a host with several hypervisors, which are bare metal machines', async () => {
    const one = { VCPU: [8, 0], MEMORY_MB: [4096, 0] } as const;
    const { nova } = await made({
      summaries: { a: summary('a', one), b: summary('b', one), c: summary('c', one) },
      hypervisors: [at('ironic', 'a'), at('comp1', 'c'), at('ironic', 'b')],
    });
    expect((await nova.listCapacity()).map(({ host }) => host)).toEqual(['comp1']);
  });

  it('takes hypervisors from every page', async () => {
    const counts = { MEMORY_MB: [4096, 0] } as const;
    const one = await cloud({
      catalogue: (url) =>
        ['compute', 'placement'].map((type) => ({
          type,
          endpoints: [
            { interface: 'internal', url: type === 'compute' ? `${url}/v2.1` : `${url}/placement` },
          ],
        })),
      answer: (seen) => {
        if (seen.path.startsWith('/placement')) {
          return {
            body: {
              allocation_requests: [],
              provider_summaries: { a: summary('a', counts), b: summary('b', counts) },
            },
          };
        }
        if (!seen.path.startsWith('/v2.1/os-hypervisors')) return null;
        if (seen.path.includes('marker=a')) return { body: { hypervisors: [at('comp2', 'b')] } };
        const href = 'http://x/v2.1/os-hypervisors/detail?marker=a';
        return { body: { hypervisors: [at('comp1', 'a')], hypervisors_links: [{ rel: 'next', href }] } };
      },
    });
    const nova = await connect(one.config, surroundings());
    expect((await nova.listCapacity()).map(({ host }) => host)).toEqual(['comp1', 'comp2']);
  });

  it('is no error where nobody has any', async () => {
    const { nova } = await made({ hypervisors: [at('comp1', 'rp-1')] });
    expect(await nova.listCapacity()).toEqual([]);
  });

  it('cannot be told by a Nova of before 2.53, which is said without asking', async () => {
    const { one, nova } = await made({ max: '2.52' });
    await expect(nova.listCapacity()).rejects.toMatchObject({
      code: 'badRequest',
      message:
        'The free room of the hosts cannot be told: Nova speaks microversion 2.52 at most, and what Placement ' +
        "counts can be matched with Nova's hosts from 2.53 on",
    });
    expect(one.calls()).toEqual([]);
  });

  it('cannot be told by a Placement of before Rocky', async () => {
    const { one, nova } = await made({
      placement: {
        status: 406,
        body: {
          errors: [{ status: 406, title: 'Not Acceptable', detail: 'Unacceptable version header: 1.29' }],
        },
      },
    });
    await expect(nova.listCapacity()).rejects.toMatchObject({
      code: 'badRequest',
      status: 406,
      message:
        `Placement at ${one.url} does not speak microversion 1.29 (OpenStack Rocky), which tells the free room ` +
        'of the hosts (HTTP 406)',
    });
  });

  it('is forbidden to whoever Placement does not know as an administrator', async () => {
    const { nova } = await made({
      placement: {
        status: 403,
        body: { errors: [{ status: 403, title: 'Forbidden', detail: 'admin required' }] },
      },
    });
    await expect(nova.listCapacity()).rejects.toMatchObject({
      code: 'forbidden',
      message: 'Placement refused to tell the free room of the hosts: admin required (HTTP 403)',
    });
  });

  it('cannot be told where the catalogue has no Placement', async () => {
    const one = await cloud();
    const nova = await connect(one.config, surroundings());
    await expect(nova.listCapacity()).rejects.toMatchObject({ code: 'noEndpoint' });
    expect(one.calls()).toEqual([]);
  });

  it('of a wrong shape is an error that names the field', async () => {
    const { nova } = await made({
      placement: { body: { provider_summaries: { a: { resources: { VCPU: { capacity: '1', used: 0 } } } } } },
    });
    await expect(nova.listCapacity()).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringMatching(
        /provider_summaries\.a\.resources\.VCPU\.capacity is the string "1", a number was expected$/,
      ),
    });
  });
});
