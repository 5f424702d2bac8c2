import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAttributes, nodeName } from '../../../lib/attrd/index.ts';
import { createClusterNodes, createClusterState, createFencingHistory } from '../../../lib/cluster/index.ts';

/** Real child processes that print what a very large cluster does, 20 to 40 MiB each. */
let bin = '';
beforeAll(() => {
  bin = mkdtempSync(join(tmpdir(), 'large-'));
});
afterAll(() => rmSync(bin, { recursive: true, force: true }));

const tools = () => ({ env: { PATH: `${bin}:/usr/bin:/bin` }, timeoutMs: 10_000 });
const mib = 1024 * 1024;

function prints(tool: string, text: string): void {
  expect(text.length).toBeGreaterThan(20 * mib);
  writeFileSync(join(bin, `${tool}.out`), text);
  writeFileSync(join(bin, tool), `#!/bin/sh\nexec cat '${join(bin, tool)}.out'\n`);
  chmodSync(join(bin, tool), 0o755);
}

const many = <T>(count: number, one: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => one(index));

/** 100 nodes with 1,000 resources each. */
const nodes = many(100, (index) => `node${index}`);

async function within<T>(seconds: number, task: Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await task;
  expect(performance.now() - began).toBeLessThan(seconds * 1000);
  return result;
}

test('crm_mon', async () => {
  const operation = (call: number) =>
    `<operation_history call="${call}" task="monitor" rc="0" rc_text="ok" interval="10000ms" last-rc-change="Mon Nov 30 13:13:17 2026" exec-time="12ms" queue-time="0ms"/>`;
  const histories = nodes.map(
    (node) =>
      `<node name="${node}">\n${many(1_000, (index) => `<resource_history id="r${index}" orphan="false" migration-threshold="1000000">\n${operation(index)}\n</resource_history>`).join('\n')}</node>`,
  );
  const connecting = `<node name="node0"><resource_history id="node7" orphan="false"><operation_history call="-1" task="start" rc="193"/>${operation(3)}</resource_history></node>`;
  const listed = nodes.map(
    (node) =>
      `<node name="${node}" id="${node}" online="true" standby="false" maintenance="false" pending="false" unclean="false" type="remote"/>`,
  );
  const resources = many(
    5_000,
    (index) =>
      `<resource id="r${index}" resource_agent="ocf:pacemaker:Dummy" role="Started"><node name="node1" id="node1" cached="true"/></resource>`,
  );
  prints(
    'crm_mon',
    `<pacemaker-result api-version="2.25"><summary><stack type="corosync" pacemakerd-state="running"/><current_dc present="true" with_quorum="true"/></summary><nodes>${listed.join('\n')}</nodes><resources>${resources.join('\n')}</resources><node_history>${histories.join('\n')}${connecting}</node_history><status code="0" message="OK"/></pacemaker-result>`,
  );
  const reading = await within(20, createClusterNodes(tools()).read());
  if (!reading.known) throw new Error(reading.sentence);
  expect(reading.nodes).toHaveLength(100);
  expect(reading.nodes.filter((node) => node.connecting).map(({ name }) => name)).toEqual(['node7']);
});

test('cibadmin, the status section', async () => {
  const operation =
    '<lrm_rsc_op id="r_last_0" operation_key="r_start_0" operation="start" crm-debug-origin="do_update_resource" crm_feature_set="3.16.1" transition-key="3:2:0:4a" rc-code="0" on_node="x" call-id="7"/>';
  const states = nodes.map((node, index) => {
    const others = many(
      1_000,
      (at) =>
        `<lrm_resource id="r${at}" class="ocf" provider="pacemaker" type="Dummy">\n${operation}\n</lrm_resource>`,
    );
    const ours = `<lrm_resource id="nova" class="ocf" provider="openstack" type="NovaCompute">${operation}</lrm_resource>`;
    return `<node_state id="${node}" uname="${node}"><lrm id="${node}"><lrm_resources>${others.join('\n')}${index === 7 ? ours : ''}</lrm_resources></lrm></node_state>`;
  });
  prints('cibadmin', `<status>${states.join('\n')}</status>`);
  const active = await within(20, createClusterState(tools()).activeTypes('NovaCompute'));
  expect(active.size).toBe(100);
  expect([...active].filter(([, types]) => types.has('NovaCompute')).map(([node]) => node)).toEqual([
    'node7',
  ]);
});

test('cibadmin, the nodes', async () => {
  const described = nodes.map(
    (node) =>
      `<node type="remote" id="${node}" uname="${node}"><instance_attributes id="nodes-${node}"><nvpair id="a" name="evacuate" value="no"/><nvpair id="b" name="notes" value="${'x'.repeat(mib / 4)}"/></instance_attributes></node>`,
  );
  prints('cibadmin', `<nodes>${described.join('\n')}</nodes>`);
  const { nodes: read } = await within(20, createAttributes(tools()).queryNodes());
  expect(read.map(({ attributes }) => attributes['evacuate'])).toEqual(Array(100).fill('no'));
});

test('cibadmin, the configured resources', async () => {
  const primitives = many(
    20_000,
    (index) =>
      `<primitive id="r${index}" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="r${index}-i"><nvpair id="r${index}-p" name="notes" value="${'x'.repeat(1_000)}"/></instance_attributes></primitive>`,
  );
  prints('cibadmin', `<xpath-query>${primitives.join('\n')}</xpath-query>`);
  expect(await within(20, createClusterState(tools()).primitives())).toHaveLength(20_000);
});

test('attrd_updater', async () => {
  const lines = many(
    200_000,
    (index) => `<attribute name="evacuate" value="no" host="${'h'.repeat(90)}${index}"/>`,
  );
  prints('attrd_updater', `<pacemaker-result>${lines.join('\n')}<status code="0"/></pacemaker-result>`);
  expect(await within(20, createAttributes(tools()).queryTransient('evacuate'))).toHaveLength(200_000);
});

test('stonith_admin', async () => {
  const events = many(
    120_000,
    (index) =>
      `<fence_event action="off" target="comp0" client="pacemaker-controld.53" origin="ctl0" status="${index === 9 ? 'success' : 'failed'}" delegate="ctl0" completed="2026-11-21 10:31:28Z" exit-reason="the power device did not answer"/>`,
  );
  prints(
    'stonith_admin',
    `<pacemaker-result><list>${events.join('\n')}</list><status code="0"/></pacemaker-result>`,
  );
  expect(await within(20, createFencingHistory(tools()).readFencing(nodeName('comp0')))).toMatchObject({
    known: true,
    lastSuccess: Date.parse('2026-11-21T10:31:28Z'),
  });
});

test('one that was cut off is no answer, whatever is left out of it', async () => {
  const cut = `<status><node_state id="a" uname="a"><lrm id="a"><lrm_resources><lrm_resource id="r" type="Dummy"><lrm_rsc_op operation="start"/><lrm_resource id="s" type="Dummy"><lrm_rsc_op operation="start"/></lrm_resource></lrm_resources></lrm></node_state></status>`;
  prints('cibadmin', cut + ' '.repeat(21 * mib));
  await expect(createClusterState(tools()).activeTypes('NovaCompute')).rejects.toMatchObject({
    code: 'malformed',
  });
});
