import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AttrdError } from '../../../lib/attrd/index.ts';
import { parseAttrdText, parseAttrdXml } from '../../../lib/attrd/parseAttrd.ts';
import { parseClusterNodes, parseHostMaps } from '../../../lib/attrd/parseCib.ts';
import { FakePacemaker } from '../../simulators/world/fakePacemaker.ts';

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
  const attributes = (value: string) =>
    `<instance_attributes id="i"><nvpair id="x" name="pcmk_host_map" value="${value}"/></instance_attributes>`;
  const device = (id: string, more: string, inner = '') =>
    `<primitive id="${id}" ${more}>${inner}</primitive>`;
  const nova = 'class="stonith" type="fence_compute"';
  const parsed = async (output: string) => Object.fromEntries(await parseHostMaps(output, 'fence_compute'));
  const map = (value: string) => parsed(device('a', nova, attributes(value)));

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

  const several = (...elements: readonly string[]) => `<xpath-query>${elements.join('')}</xpath-query>`;
  const template = (id: string, type: string, value: string) =>
    `<template id="${id}" class="stonith" type="${type}">${attributes(value)}</template>`;

  test.each<[string, string, Record<string, string>]>([
    [
      'several devices, as cibadmin wraps several matches',
      several(device('a', nova, attributes('n0:h0')), device('b', nova, attributes('n1:h1'))),
      { n0: 'h0', n1: 'h1' },
    ],
    [
      "from the device's template, which tells the agent as well",
      several(template('t', 'fence_compute', 'n0:h0'), device('a', 'template="t"')),
      { n0: 'h0' },
    ],
    [
      "the device's own word goes before its template's",
      several(device('a', 'template="t"', attributes('n0:own')), template('t', 'fence_compute', 'n0:theirs')),
      { n0: 'own' },
    ],
    ['a template that no device has says nothing', template('t', 'fence_compute', 'n0:h0'), {}],
    [
      'the device of another agent with a template',
      several(template('t', 'fence_ipmilan', 'n0:h0'), device('a', 'template="t"', attributes('n1:h1'))),
      {},
    ],
    [
      'from the resource defaults',
      several(device('a', nova), device('b', nova, attributes('n1:h1')), attributes('n0:h0')),
      { n0: 'h0', n1: 'h1' },
    ],
    ['defaults without a device', attributes('n0:h0'), {}],
  ])('%s', async (_what, output, plugs) => {
    expect(await parsed(output)).toEqual(plugs);
  });
});
