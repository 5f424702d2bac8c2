import { connect } from '@openstack-ts/nova-client';
import { describe, expect, it } from 'vitest';
import { plainly } from '../names.ts';
import { cloud, surroundings } from './loopback.ts';
import { hypervisor } from './records.ts';

const providers: Readonly<Record<string, readonly string[]>> = { 'rp-1': ['i1', 'i2'], 'rp-2': [] };
const named: Readonly<Record<string, string>> = { comp1: 'rp-1', 'hv-2.example.org': 'rp-2' };

async function made(max: string, hypervisors: readonly unknown[]) {
  const one = await cloud({
    version: { min: '2.1', max },
    catalogue: (url) =>
      ['compute', 'placement'].map((type) => ({
        type,
        endpoints: [
          {
            interface: 'internal',
            region: 'one',
            url: `${url}/${type === 'compute' ? 'v2.1' : 'placement'}`,
          },
        ],
      })),
    answer: ({ path }) => {
      if (path.startsWith('/v2.1/os-hypervisors')) return { body: { hypervisors } };
      const allocations = /^\/placement\/resource_providers\/([^/]+)\/allocations$/.exec(path)?.[1];
      if (allocations !== undefined) {
        const consumers = (providers[allocations] ?? []).map((id) => [id, { resources: { VCPU: 1 } }]);
        return { body: { allocations: Object.fromEntries(consumers) } };
      }
      const name = /^\/placement\/resource_providers\?name=(.*)$/.exec(path)?.[1];
      if (name === undefined && !path.startsWith('/placement/resource_providers')) return null;
      const found = Object.entries(named).filter(([each]) => name === undefined || each === name);
      return { body: { resource_providers: found.map(([each, uuid]) => ({ name: each, uuid })) } };
    },
  });
  return { one, nova: plainly(await connect(one.config, surroundings())) };
}

const at = (host: string, id: string | number, name: string) =>
  hypervisor({ id, hypervisor_hostname: name, service: { id: 's', host, disabled_reason: null } });

describe('who takes something of a host', () => {
  it("is told by the provider that is the host's hypervisor, whatever the case of its name", async () => {
    const { one, nova } = await made('2.93', [at('comp0', 'rp-2', 'x'), at('Comp1', 'rp-1', 'y')]);
    expect(await nova.listAllocations('comp1')).toEqual(['i1', 'i2']);
    expect(await nova.listAllocations('comp0')).toEqual([]);
    expect(one.calls().filter((call) => call.includes('/allocations'))).toHaveLength(2);
  });

  it('is told by the name of the hypervisor where Nova does not tell the id of its provider', async () => {
    const { nova } = await made('2.52', [at('comp2', 7, 'hv-2.example.org')]);
    expect(await nova.listAllocations('comp2')).toEqual([]);
  });

  it('is told by the name of the host where Nova leaves out its hypervisor', async () => {
    const { nova } = await made('2.93', []);
    expect(await nova.listAllocations('comp1')).toEqual(['i1', 'i2']);
  });

  it('is not known of a host that neither knows', async () => {
    const { nova } = await made('2.93', []);
    expect(await nova.listAllocations('comp9')).toBeNull();
    expect(await nova.listProviderNames()).toEqual(['comp1', 'hv-2.example.org']);
  });

  it('is not that of a machine where one nova-compute has many hypervisors', async () => {
    const many = Array.from({ length: 9 }, (_, index) => at('ironic', `rp-${index}`, `n${index}`));
    const { nova } = await made('2.93', many);
    await expect(nova.listAllocations('ironic')).rejects.toMatchObject({ code: 'badRequest' });
  });
});
