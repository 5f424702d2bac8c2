import { type ComputeService, novaHost } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { markName, nodeName } from '../../../../lib/attrd/index.ts';
import type { CloudFacts } from '../../../../lib/evacuation/look/cloudFacts.ts';
import { HostNames } from '../../../../lib/evacuation/run/hostNames.ts';
import { service } from '../../fence_compute/fakes.ts';

function names(hosts: readonly string[], map: Readonly<Record<string, string>>, nodes: readonly string[]) {
  const services: ComputeService[] = hosts.map((host) => service(host));
  const cloud: Pick<CloudFacts, 'services'> = { services: async () => services };
  const hostMap = new Map(Object.entries(map).map(([node, plug]) => [nodeName(node), plug]));
  const found = new HostNames(cloud, hostMap, undefined);
  found.heed(nodes.map(nodeName));
  return { found, services };
}

describe('what the cluster calls a host', () => {
  test.each<[string, string, Readonly<Record<string, string>>, readonly string[], readonly string[]]>([
    ['pcmk_host_map leads to it', 'hv-1.example', { comp1: 'hv-1.example', comp2: 'hv-2' }, [], ['comp1']],
    ['a node of the first label', 'comp1.example', {}, ['comp1', 'comp2'], ['comp1']],
    ['a node in another case', 'comp1.example', {}, ['COMP1'], ['COMP1']],
    ['no node is known to', 'comp1.example', {}, [], ['comp1.example', 'comp1']],
  ])('%s', async (_what, host, map, nodes, expected) => {
    const { found } = names([host, 'hv-2'], map, nodes);
    expect(await found.nodesOf(novaHost(host))).toEqual(expected);
  });
});

test('a mark in another case than its node means what pcmk_host_map says of that', () => {
  const { found, services } = names(['hv-1', 'hv-2'], { comp1: 'hv-1' }, ['comp1', 'comp2']);
  expect(found.serviceOf(services, markName('COMP1'))?.host).toBe('hv-1');
});
