import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AttrdError } from '../../../lib/attrd/index.ts';
import { parseAttrdText, parseAttrdXml } from '../../../lib/attrd/parseAttrd.ts';
import {
  parseClusterNodes,
  parseHostMaps,
  parseNodeStates,
  parsePrimitives,
} from '../../../lib/attrd/parseCib.ts';
import { FakePacemaker } from './fakePacemaker.ts';

/** A value as a version prints it, read back. */
async function throughText(version: '2.1.5' | '3.0.2', value: string): Promise<string | undefined> {
  const pacemaker = new FakePacemaker(version);
  pacemaker.transient.set('evacuate', new Map([['comp0', value]]));
  const { stdout } = await pacemaker.run('attrd_updater', ['--query', '--all', '--name=evacuate']);
  return parseAttrdText(stdout)[0]?.value;
}

describe('text output of attrd_updater', () => {
  test('as Pacemaker 2.1.5 prints three nodes', () => {
    const output = [
      'name="evacuate" host="comp0" value="yes"',
      'name="evacuate" host="ctl0" value="1795224191"',
      'name="evacuate" host="comp1" value=""',
      '',
    ].join('\n');
    expect(parseAttrdText(output)).toEqual([
      { name: 'evacuate', host: 'comp0', value: 'yes' },
      { name: 'evacuate', host: 'ctl0', value: '1795224191' },
      { name: 'evacuate', host: 'comp1', value: '' },
    ]);
  });

  test('an unescaped value of 2.1.5 and the escaped one of 3.0.2 are the same', () => {
    expect(parseAttrdText('name="e" host="comp0" value="a b"c<&"')[0]?.value).toBe('a b"c<&');
    expect(parseAttrdText('name="e" host="comp0" value="a b\\"c<&"')[0]?.value).toBe('a b"c<&');
  });

  test('nothing, and blank lines, are no values', () => {
    expect(parseAttrdText('')).toEqual([]);
    expect(parseAttrdText('\n \n')).toEqual([]);
  });

  test('a value that looks like a line of its own does not become a second host', () => {
    const value = 'x" host="evil" value="yes';
    expect(parseAttrdText(`name="evacuate" host="comp0" value="${value}"`)).toEqual([
      { name: 'evacuate', host: 'comp0', value },
    ]);
  });

  test.each([
    'garbage',
    'name="evacuate" host="comp0"',
    'name="evacuate" host="comp0" value="yes',
    'Segmentation fault',
  ])('a line that is not understood is named: %s', (line) => {
    expect(() => parseAttrdText(`name="evacuate" host="a" value="b"\n${line}`)).toThrowError(
      expect.objectContaining({ code: 'malformed', message: expect.stringContaining(line) }),
    );
  });

  const printable = fc.string({ unit: 'grapheme' }).filter((value) => !/[\n\r\u2028\u2029]/.test(value));

  test('any one-line value without a backslash before a quote comes through 2.1.5', async () => {
    await fc.assert(
      fc.asyncProperty(
        printable.filter((value) => !value.includes('\\"')),
        async (value) => {
          expect(await throughText('2.1.5', value)).toBe(value);
        },
      ),
    );
  });

  test('any value without control characters comes through 3.0.2, backslashes too', async () => {
    const tricky = fc.string({ unit: fc.constantFrom('\\', '"', 'n', 'a', '=', ' ') });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          tricky,
          printable.filter((value) => !value.includes('\t')),
        ),
        async (value) => {
          expect(await throughText('3.0.2', value)).toBe(value);
        },
      ),
    );
  });

  test('any text gives values or the error "malformed", nothing else', () => {
    const near = fc
      .array(fc.constantFrom('name="', 'host="', 'value="', '"', ' ', '\n', '\\', 'comp0', 'yes', '\0'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.string(), near), (output) => {
        try {
          for (const { name, host, value } of parseAttrdText(output)) {
            expect([typeof name, typeof host, typeof value]).toEqual(['string', 'string', 'string']);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(AttrdError);
          expect(error).toMatchObject({ code: 'malformed' });
        }
      }),
    );
  });
});

describe('XML output of attrd_updater', () => {
  test('as Pacemaker 2.1.5 prints it', async () => {
    const output =
      '<pacemaker-result api-version="2.25" request="attrd_updater --query --all --name=evacuate --output-as=xml">' +
      '<attribute name="evacuate" value="yes" host="comp0"/><attribute name="evacuate" value="" host="ctl0"/>' +
      '<status code="0" message="OK"/></pacemaker-result>';
    expect(await parseAttrdXml(output)).toEqual([
      { name: 'evacuate', host: 'comp0', value: 'yes' },
      { name: 'evacuate', host: 'ctl0', value: '' },
    ]);
  });

  test('any value comes through', async () => {
    const grapheme = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 });
    const anything = fc.string({
      unit: fc.oneof(grapheme, fc.constantFrom('\t', '\n', '\r', '"', '<', '&')),
    });
    await fc.assert(
      fc.asyncProperty(anything, async (value) => {
        const pacemaker = new FakePacemaker('2.1.5');
        pacemaker.transient.set('evacuate', new Map([['comp0', value]]));
        const { stdout } = await pacemaker.run('attrd_updater', ['--name=evacuate', '--output-as=xml']);
        expect((await parseAttrdXml(stdout))[0]?.value).toBe(value);
      }),
    );
  });

  test.each([
    '',
    'name="evacuate" host="comp0" value="yes"',
    '<pacemaker-result>',
    '<a/><b/>',
    '<?xml version="1.0"?>',
  ])('what is no document is "malformed": %j', async (output) => {
    await expect(parseAttrdXml(output)).rejects.toMatchObject({ name: 'AttrdError', code: 'malformed' });
  });

  test('an attribute without a host is "malformed", not the mark of nobody', async () => {
    await expect(parseAttrdXml('<r><attribute name="evacuate" value="yes"/></r>')).rejects.toMatchObject({
      code: 'malformed',
    });
  });

  test('any text gives values or the error "malformed", nothing else', async () => {
    const near = fc
      .array(
        fc.constantFrom(
          '<r>',
          '</r>',
          '<attribute ',
          'name="e" ',
          'host="h" ',
          'value="v"',
          '/>',
          '>',
          '&#0;',
          '&lt;',
          '&x;',
          '<!-- ',
          ' -->',
          '<![CDATA[',
          ']]>',
          '<!DOCTYPE r [<!ENTITY a "b">]>',
        ),
      )
      .map((parts) => `<r>${parts.join('')}</r>`);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), near), async (output) => {
        try {
          expect(Array.isArray(await parseAttrdXml(output))).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ name: 'AttrdError', code: 'malformed' });
        }
      }),
    );
  });
});

describe("the CIB's nodes", () => {
  test('full nodes by uname, remote nodes by id, permanent attributes of each', async () => {
    const output = `<nodes>
      <node id="1" uname="ctl0"><instance_attributes id="nodes-1"><nvpair id="nodes-1-osprole" name="osprole" value="controller"/></instance_attributes></node>
      <node id="2" uname="ctl1"/>
      <node type="remote" id="comp0"><instance_attributes id="nodes-comp0"><nvpair id="nodes-comp0-evacuate" name="evacuate" value="yes"/></instance_attributes></node>
      <node type="remote" id="comp1" uname="comp1"><utilization id="u"><nvpair id="u-e" name="evacuate" value="7"/></utilization></node>
    </nodes>`;
    expect((await parseClusterNodes(output, 'evacuation')).nodes).toEqual([
      { name: 'ctl0', attributes: { osprole: 'controller' } },
      { name: 'ctl1', attributes: {} },
      { name: 'comp0', attributes: { evacuate: 'yes' } },
      { name: 'comp1', attributes: {} },
    ]);
  });

  test('no nodes are no nodes; a node without any name is "malformed"', async () => {
    expect(await parseClusterNodes('<nodes/>', 'evacuation')).toEqual({ nodes: [], words: [] });
    await expect(parseClusterNodes('<nodes><node/></nodes>', 'evacuation')).rejects.toMatchObject({
      code: 'malformed',
    });
  });
});

describe('pcmk_host_map', () => {
  const map = async (value: string) =>
    Object.fromEntries(await parseHostMaps(`<nvpair id="x" name="pcmk_host_map" value="${value}"/>`));

  test.each<[string, Record<string, string>]>([
    ['comp1:hv-1.example', { comp1: 'hv-1.example' }],
    ['remote-a:a;remote-b:b', { 'remote-a': 'a', 'remote-b': 'b' }],
    ['remote-a=a remote-b=b;', { 'remote-a': 'a', 'remote-b': 'b' }],
    ['  remote-a:a ;; remote-b:b  ', { 'remote-a': 'a', 'remote-b': 'b' }],
    // Several ports of one node: the first is as good as any, the rest is no node.
    ['comp0:1,2;comp1:3', { comp0: '1', comp1: '3' }],
    ['', {}],
    ['nonsense', {}],
    ['comp0:', {}],
    [':a', {}],
  ])('%j', async (value, plugs) => {
    expect(await map(value)).toEqual(plugs);
  });

  test('several devices, as cibadmin wraps several matches', async () => {
    const output =
      '<xpath-query><nvpair id="a" name="pcmk_host_map" value="n0:h0"/><nvpair id="b" name="pcmk_host_map" value="n1:h1"/></xpath-query>';
    expect(Object.fromEntries(await parseHostMaps(output))).toEqual({ n0: 'h0', n1: 'h1' });
  });
});

describe('the state of nodes and resources', () => {
  const status = (attributes: string, operations = '') =>
    `<status><node_state id="comp0" uname="comp0" ${attributes}><lrm id="comp0"><lrm_resources>
      <lrm_resource id="nova-compute" class="ocf" provider="openstack" type="NovaCompute">${operations}</lrm_resource>
    </lrm_resources></lrm></node_state></status>`;
  const probe = '<lrm_rsc_op id="a" operation="monitor" rc-code="7" interval="0"/>';

  test.each([
    ['in_ccm="true"', true],
    ['in_ccm="false"', false],
    ['in_ccm="1795224191"', true],
    ['in_ccm="0"', false],
    ['remote_node="true"', false],
  ])('%s: joined %s', async (attributes, joined) => {
    expect((await parseNodeStates(status(attributes)))[0]?.joined).toBe(joined);
  });

  test.each([
    ['nothing known of it', '', false],
    ['probed, and not there', probe, false],
    ['probed, and running', probe.replace('"7"', '"0"'), true],
    ['its start is under way', '<lrm_rsc_op id="a" operation="start" rc-code="193" op-status="-1"/>', true],
    ['stopped', '<lrm_rsc_op id="a" operation="stop" rc-code="0"/>', false],
  ])('a resource, %s', async (_, operations, active) => {
    const [node] = await parseNodeStates(status('in_ccm="true"', operations));
    expect(node?.active.has('NovaCompute')).toBe(active);
  });

  test('configured resources, one without a provider among them', async () => {
    const xml =
      '<xpath-query><primitive id="a" class="ocf" provider="openstack" type="NovaCompute"/><primitive id="b" class="systemd" type="nova-compute"/></xpath-query>';
    expect(await parsePrimitives(xml)).toEqual([
      { id: 'a', class: 'ocf', provider: 'openstack', type: 'NovaCompute' },
      { id: 'b', class: 'systemd', provider: null, type: 'nova-compute' },
    ]);
    await expect(parsePrimitives('<primitive id="a"/>')).rejects.toThrow(AttrdError);
  });
});
