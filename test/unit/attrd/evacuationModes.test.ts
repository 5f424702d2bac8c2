import { describe, expect, test } from 'vitest';
import { type CommandRunner, createEvacuationModes, nodeName } from '../../../lib/attrd/index.ts';
import { parseClusterNodes } from '../../../lib/attrd/parseCib.ts';
import { done, FakePacemaker, failed, type manners } from '../../simulators/world/fakePacemaker.ts';

const versions = ['1.1.18', '2.0.5', '2.1.5', '3.0.2'] as const satisfies (keyof typeof manners)[];

const reader = (run: CommandRunner) => createEvacuationModes({ env: {}, timeoutMs: 1000, run });

/** A reader of a CIB that answers this, and of an attrd that knows nothing. */
const answered = (stdout: string) =>
  reader(async (tool) =>
    tool === 'cibadmin' ? done(stdout) : failed(78, 'attrd_updater: attribute does not exist'),
  ).readModes();

describe.each(versions)('Pacemaker %s', (version) => {
  const setup = () => {
    const pacemaker = new FakePacemaker(version, ['ctl0', 'ctl1'], ['comp0', 'comp1']);
    const say = (node: string, value: string) =>
      pacemaker.run('crm_attribute', ['-N', node, '-n', 'evacuation', '-v', value, '-l', 'forever']);
    const sayForNow = (node: string, value: string) =>
      pacemaker.run('attrd_updater', ['-n', 'evacuation', '-N', node, '-U', value]);
    return { pacemaker, say, sayForNow, read: () => reader(pacemaker.run).readModes() };
  };

  test('where nothing was ever said everything is normal, and that costs one call of each tool', async () => {
    const { pacemaker, read } = setup();
    await pacemaker.run('crm_attribute', ['-N', 'comp0', '-n', 'evacuate', '-v', 'yes', '-l', 'forever']);
    pacemaker.properties.set('stonith-enabled', 'true');
    pacemaker.calls.length = 0;
    expect(await read()).toEqual({
      cluster: 'normal',
      nodes: new Map(),
      transient: new Set(),
      unknown: [],
    });
    expect(pacemaker.calls.filter((call) => call.startsWith('cibadmin'))).toHaveLength(1);
    expect(pacemaker.calls.filter((call) => call.startsWith('attrd_updater')).length).toBeLessThan(3);
  });

  test('the word of the cluster', async () => {
    const { pacemaker, read } = setup();
    pacemaker.properties.set('evacuation', 'pause');
    expect(await read()).toMatchObject({ cluster: 'pause', nodes: new Map() });
    pacemaker.properties.set('evacuation', 'go');
    expect(await read()).toMatchObject({ cluster: 'go', nodes: new Map() });
  });

  test('the word of one node, of several, and of the cluster too', async () => {
    const { pacemaker, say, read } = setup();
    await say('comp0', 'pause');
    expect(await read()).toMatchObject({ cluster: 'normal', nodes: new Map([['comp0', 'pause']]) });
    await say('comp1', 'go');
    await say('ctl1', 'normal');
    pacemaker.properties.set('evacuation', 'pause');
    expect(await read()).toEqual({
      cluster: 'pause',
      nodes: new Map([
        ['comp0', 'pause'],
        ['comp1', 'go'],
        ['ctl1', 'normal'],
      ]),
      transient: new Set(),
      unknown: [],
    });
  });

  test('the transient attribute counts as well, for any name that attrd knows', async () => {
    const { sayForNow, read } = setup();
    await sayForNow('comp0', 'pause');
    await sayForNow('hv-1.example', 'go');
    await sayForNow('comp1', '');
    expect(await read()).toEqual({
      cluster: 'normal',
      nodes: new Map([
        ['comp0', 'pause'],
        ['hv-1.example', 'go'],
      ]),
      transient: new Set(['comp0', 'hv-1.example']),
      unknown: [],
    });
  });

  test('a pause wins, whichever of the two attributes says it', async () => {
    const { say, sayForNow, read } = setup();
    await say('comp0', 'go');
    await sayForNow('comp0', 'pause');
    await say('comp1', 'pause');
    await sayForNow('comp1', 'go');
    const { nodes, transient } = await read();
    expect([nodes.get(nodeName('comp0')), nodes.get(nodeName('comp1'))]).toEqual(['pause', 'pause']);
    // What has to be removed for it to end.
    expect(transient).toEqual(new Set(['comp0']));
  });

  test('what nobody defined counts as pause, and is named', async () => {
    const { pacemaker, say, sayForNow, read } = setup();
    pacemaker.properties.set('evacuation', 'off & <away>');
    await say('comp0', 'resume');
    await sayForNow('comp1', 'no "go"');
    expect(await read()).toEqual({
      cluster: 'pause',
      nodes: new Map([
        ['comp0', 'pause'],
        ['comp1', 'pause'],
      ]),
      transient: new Set(['comp1']),
      unknown: [
        { where: null, value: 'off & <away>' },
        { where: 'comp0', value: 'resume' },
        { where: 'comp1', value: 'no "go"' },
      ],
    });
  });

  test('case and blanks do not matter, and an empty value says nothing', async () => {
    const { pacemaker, say, read } = setup();
    pacemaker.properties.set('evacuation', ' ');
    await say('comp0', ' Pause ');
    await say('comp1', 'GO');
    expect(await read()).toEqual({
      cluster: 'normal',
      nodes: new Map([
        ['comp0', 'pause'],
        ['comp1', 'go'],
      ]),
      transient: new Set(),
      unknown: [],
    });
  });

  test('a cluster that does not answer is no cluster without a word', async () => {
    const { pacemaker, read } = setup();
    pacemaker.running = false;
    await expect(read()).rejects.toMatchObject({
      code: 'noCluster',
      message: expect.stringMatching(/the cluster does not answer on this machine/),
    });
  });

  test('nor is one of which half answers', async () => {
    for (const silent of ['cibadmin', 'attrd_updater']) {
      const { pacemaker, read } = setup();
      pacemaker.intercept = (line) =>
        line.startsWith(silent) ? failed(113, `${silent}: Operation was refused`) : null;
      await expect(read()).rejects.toMatchObject({ code: 'failed', exitCode: 113 });
    }
  });
});

describe('what cibadmin of 2.1.5 prints', () => {
  const nodes = (pairs = '') =>
    `<nodes>\n  <node id="1" uname="ctl0"/>\n  <node type="remote" id="comp0">\n    <instance_attributes id="nodes-comp0">\n      <nvpair id="nodes-comp0-evacuate" name="evacuate" value="yes"/>\n${pairs}    </instance_attributes>\n  </node>\n</nodes>\n`;
  const pair = (value: string) => `<nvpair id="x" name="evacuation" value="${value}"/>\n`;

  test('the nodes alone come without a wrapping', async () => {
    expect(await answered(nodes())).toMatchObject({ cluster: 'normal', nodes: new Map() });
    expect(await answered(nodes(pair('pause')))).toMatchObject({
      cluster: 'normal',
      nodes: new Map([['comp0', 'pause']]),
      unknown: [],
    });
  });

  test('with the property of the cluster they are wrapped, and other attributes and their sets mean nothing', async () => {
    expect(
      await answered(`<xpath-query>
  <nvpair id="cib-bootstrap-options-evacuation" name="evacuation" value="go"/>
  <nodes>
    <node id="1" uname="ctl0">
      <instance_attributes id="nodes-1">
        <nvpair id="nodes-1-evacuation" name="evacuation" value="pause"/>
        <nvpair id="nodes-1-maintenance" name="maintenance" value="stop"/>
      </instance_attributes>
      <utilization id="nodes-1-utilization">
        <nvpair id="nodes-1-utilization-evacuation" name="evacuation" value="4"/>
      </utilization>
    </node>
  </nodes>
</xpath-query>
`),
    ).toEqual({
      cluster: 'go',
      nodes: new Map([['ctl0', 'pause']]),
      transient: new Set(),
      unknown: [],
    });
  });

  test('of several property sets that disagree a pause wins', async () => {
    expect(
      await answered(`<xpath-query>${pair('pause')}${pair('go')}${nodes()}</xpath-query>`),
    ).toMatchObject({ cluster: 'pause' });
  });

  test('transient attributes are told by the id of their node; what attrd says of them counts', async () => {
    const text = `<xpath-query>${nodes()}<transient_attributes id="1"><instance_attributes id="status-1">${pair('pause')}<nvpair id="y" name="other" value="go"/></instance_attributes></transient_attributes><transient_attributes id="comp9"><instance_attributes id="status-comp9">${pair('go')}</instance_attributes></transient_attributes></xpath-query>`;
    expect((await parseClusterNodes(text, 'evacuation')).words).toEqual([
      { node: 'ctl0', value: 'pause', transient: true },
      { node: 'comp9', value: 'go', transient: true },
    ]);
    // attrd has forgotten them a moment before the CIB.
    expect(await answered(text)).toMatchObject({ nodes: new Map() });
  });

  test('an answer that is none fails', async () => {
    for (const text of ['evacuation=pause', pair('go'), '<nodes><node/></nodes>']) {
      await expect(answered(text)).rejects.toMatchObject({ code: 'malformed' });
    }
  });
});
