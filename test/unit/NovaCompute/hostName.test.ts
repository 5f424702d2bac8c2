import { novaHost } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { explainMismatch } from '../../../agents/NovaCompute/hostName.ts';
import { nodeName } from '../../../lib/attrd/index.ts';

describe('the Nova host that fencing a node leads to', () => {
  test.each([
    ['comp0', null, 'comp0'],
    ['comp0', null, 'COMP0'],
    ['comp0', null, 'comp0.example.org'],
    ['comp0.cluster', null, 'comp0.example.org'],
    ['remote-comp0', 'comp0', 'comp0.example.org'],
    ['10.0.0.1', null, '10.0.0.1'],
    ['fd00::1', null, 'fd00::1'],
  ])('node %s, plug %s, host %s: found', (node, plug, host) => {
    expect(
      explainMismatch(nodeName(node), plug, { host: novaHost(host), source: 'host in nova.conf' }),
    ).toBeNull();
  });

  test.each([
    ['comp0', null, 'comp1'],
    ['remote-comp0', null, 'comp0'],
    ['comp0', 'hv-0', 'comp0'],
    ['10.0.0.1', null, '10.0.0.9'],
    ['10', null, '10.0.0.9'],
    ['comp', null, 'comp0'],
  ])('node %s, plug %s, host %s: not found, and that is explained', (node, plug, host) => {
    const sentence = explainMismatch(nodeName(node), plug, {
      host: novaHost(host),
      source: 'host in /etc/nova/nova.conf',
    });
    expect(sentence).toContain(`Fencing node ${node}`);
    expect(sentence).toContain(`the Nova host ${host} that runs here (host in /etc/nova/nova.conf)`);
    expect(sentence).toContain('pcmk_host_map');
    if (plug !== null) expect(sentence).toContain(`(as ${plug}, by its pcmk_host_map)`);
  });
});
