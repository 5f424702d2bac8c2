import { describe, expect, test } from 'vitest';
import { AttrdError, nodeName } from '../../../lib/attrd/index.ts';
import { parseActiveTypes, parsePrimitives } from '../../../lib/cluster/parseResources.ts';

describe('what runs on the nodes, and what is configured', () => {
  const status = (operations: string) =>
    `<status><node_state id="comp0" uname="comp0" in_ccm="0"><lrm id="comp0"><lrm_resources>
      <lrm_resource id="nova-compute" class="ocf" provider="openstack" type="NovaCompute">${operations}</lrm_resource>
    </lrm_resources></lrm></node_state></status>`;
  const probe = '<lrm_rsc_op id="a" operation="monitor" rc-code="7" interval="0"/>';

  test.each([
    ['nothing known of it', '', false],
    ['probed, and not there', probe, false],
    ['probed, and running', probe.replace('"7"', '"0"'), true],
    ['its start is under way', '<lrm_rsc_op id="a" operation="start" rc-code="193" op-status="-1"/>', true],
    ['stopped', '<lrm_rsc_op id="a" operation="stop" rc-code="0"/>', false],
  ])('a resource, %s', async (_, operations, active) => {
    const types = await parseActiveTypes(status(operations));
    expect(types.get(nodeName('comp0'))?.has('NovaCompute')).toBe(active);
  });

  test('configured resources, one without a provider among them', async () => {
    const xml =
      '<xpath-query><primitive id="a" class="ocf" provider="openstack" type="NovaCompute"/><primitive id="b" class="systemd" type="nova-compute"/></xpath-query>';
    expect(await parsePrimitives(xml)).toEqual([
      { id: 'a', class: 'ocf', provider: 'openstack', type: 'NovaCompute', contents: [] },
      { id: 'b', class: 'systemd', provider: null, type: 'nova-compute', contents: [] },
    ]);
    await expect(parsePrimitives('<primitive id="a"/>')).rejects.toThrow(AttrdError);
  });
});
