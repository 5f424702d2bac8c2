import { describe, expect, test } from 'vitest';
import { parsePrimitives } from '../../../lib/cluster/parseResources.ts';

describe('the configured resources', () => {
  test('a resource made from a template has its class and type', async () => {
    const answer = `<xpath-query>
      <template id="compute" class="systemd" type="openstack-nova-compute"/>
      <primitive id="x" template="compute"/></xpath-query>`;
    expect(await parsePrimitives(answer)).toEqual([
      { id: 'x', class: 'systemd', provider: null, type: 'openstack-nova-compute', contents: [] },
    ]);
  });

  test('what a container runs is told by its name and its image, also where a template gives them', async () => {
    const answer = `<xpath-query>
      <template id="t" class="ocf" provider="heartbeat" type="podman"><instance_attributes id="ta">
        <nvpair id="ti" name="image" value="quay.io/nova-compute"/></instance_attributes></template>
      <primitive id="x" template="t"><instance_attributes id="xa">
        <nvpair id="xn" name="name" value="nova_compute"/><nvpair id="xr" name="reuse" value="1"/>
      </instance_attributes></primitive></xpath-query>`;
    expect(await parsePrimitives(answer)).toEqual([
      {
        id: 'x',
        class: 'ocf',
        provider: 'heartbeat',
        type: 'podman',
        contents: ['nova_compute', 'quay.io/nova-compute'],
      },
    ]);
  });

  test('a bundle counts as what its image runs', async () => {
    const answer = '<bundle id="compute"><podman image="registry/nova-compute:1" replicas="3"/></bundle>';
    expect(await parsePrimitives(answer)).toEqual([
      {
        id: 'compute',
        class: 'bundle',
        provider: null,
        type: 'podman',
        contents: ['compute', 'registry/nova-compute:1'],
      },
    ]);
  });

  test('a resource whose template is not to be seen is no answer', async () => {
    await expect(parsePrimitives('<primitive id="x" template="gone"/>')).rejects.toMatchObject({
      code: 'malformed',
    });
  });
});
