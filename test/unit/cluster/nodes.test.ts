import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AttrdError, type CommandResult, type CommandRunner } from '../../../lib/attrd/index.ts';
import { ClusterNodes, type NodesReading } from '../../../lib/cluster/index.ts';
import { done, failed } from '../../simulators/world/fakePacemaker.ts';
import { whatIsWrong } from './nodeStates.ts';

const fixtures = join(import.meta.dirname, 'fixtures/crm_mon');
const statesOf = (version: string): string[] =>
  readdirSync(join(fixtures, version)).flatMap((file) => /^(.*)\.xml$/.exec(file)?.[1] ?? []);
const read = (output: string): Promise<NodesReading> => new ClusterNodes(async () => done(output)).read();

for (const version of readdirSync(fixtures)) {
  describe(`crm_mon ${version}`, () => {
    test.each(statesOf(version))('%s', async (state) => {
      const answer = readFileSync(join(fixtures, version, `${state}.xml`), 'utf8');
      expect(await whatIsWrong(state, answer)).toBeNull();
    });
  });
}

test('an answer of another state is not taken for the one that is meant', async () => {
  const answer = readFileSync(join(fixtures, '3.0.0/remote-connecting-long.xml'), 'utf8');
  expect(await whatIsWrong('remote-online', answer)).toContain('"connecting":true');
  expect(await whatIsWrong('no-quorum', answer)).toContain('told');
});

describe('no answer about the nodes', () => {
  const summary = (dc: string, more = '') =>
    `<pacemaker-result><summary><stack type="corosync"${more}/><current_dc ${dc}/></summary>`;
  const node = (
    attributes = 'online="true" pending="false" unclean="false" standby="false" maintenance="false"',
  ) => `<nodes><node name="comp0" id="comp0" ${attributes} type="remote"/></nodes></pacemaker-result>`;
  const withQuorum = summary('present="true" with_quorum="true"');

  test('the right answer, for comparison', async () => {
    expect(await read(withQuorum + node())).toMatchObject({ known: true });
  });

  test.each<[string, string, string]>([
    ['nothing', '', 'failed'],
    ['no XML', 'Connection to cluster failed', 'failed'],
    ['half of it', (withQuorum + node()).slice(0, -20), 'failed'],
    ['no nodes section', `${withQuorum}</pacemaker-result>`, 'failed'],
    ['an empty one', `${withQuorum}<nodes/></pacemaker-result>`, 'failed'],
    ['no summary', `<pacemaker-result>${node()}`, 'failed'],
    ['a state that is missing', withQuorum + node('online="true" pending="false"'), 'failed'],
    ['a state that nobody knows', withQuorum + node().replace('online="true"', 'online="maybe"'), 'failed'],
    ['no DC', summary('present="false"') + node(), 'noDc'],
    ['no word on the DC', summary('') + node(), 'noDc'],
    ['no quorum', summary('present="true" with_quorum="false"') + node(), 'noQuorum'],
    ['no word on quorum', summary('present="true"') + node(), 'noQuorum'],
    [
      'Pacemaker is being stopped here',
      summary('present="true" with_quorum="true"', ' pacemakerd-state="shutting_down"') + node(),
      'unsettled',
    ],
    [
      'as 2.1.5 ends with exit code 0 when the CIB cannot be read (seen)',
      '<pacemaker-result api-version="2.25" request="crm_mon -1"><status code="0" message="OK"><errors><error>Could not connect to the CIB: Update does not conform to the configured schema</error></errors></status></pacemaker-result>',
      'failed',
    ],
  ])('%s', async (_, output, why) => {
    expect(await read(output)).toMatchObject({ known: false, why });
  });

  test('what crm_mon itself says is in the sentence', async () => {
    const output =
      '<pacemaker-result><status><errors><error>Could not connect</error></errors></status></pacemaker-result>';
    expect(await read(output)).toMatchObject({
      sentence: "crm_mon answered without the cluster's nodes: Could not connect",
    });
  });

  test('no quorum does not matter where the cluster is told to ignore it', async () => {
    const ignoring = summary('present="true" with_quorum="false"').replace(
      '</summary>',
      '<cluster_options no-quorum-policy="ignore"/></summary>',
    );
    expect(await read(ignoring + node())).toMatchObject({ known: true });
  });

  test('what it says in XML when it fails is in the sentence', async () => {
    const stdout =
      '<pacemaker-result><status code="102" message="Not connected"><errors>\n  <error>crm_mon: Error: cluster is not available on this node</error>\n</errors></status></pacemaker-result>';
    expect(await new ClusterNodes(async () => ({ exitCode: 102, stdout, stderr: '' })).read()).toMatchObject({
      sentence:
        "reading the cluster's nodes failed: the cluster does not answer on this machine (crm_mon exit 102: crm_mon: Error: cluster is not available on this node)",
    });
  });

  const throwing = (code: 'missing' | 'timeout') => async (): Promise<CommandResult> => {
    throw new AttrdError(code, `crm_mon ${code}`);
  };
  test.each<[string, CommandRunner, string]>([
    ['it is not installed', throwing('missing'), 'missing'],
    ['it does not end', throwing('timeout'), 'failed'],
    ['it fails', async () => failed(1, 'crm_mon: Error'), 'failed'],
    [
      'there is no cluster',
      async () => failed(102, 'crm_mon: Error: cluster is not available on this node'),
      'failed',
    ],
  ])('%s', async (_, run, why) => {
    expect(await new ClusterNodes(run).read()).toMatchObject({ known: false, why });
  });

  test('without crm_mon its package is named', async () => {
    expect(await new ClusterNodes(throwing('missing')).read()).toMatchObject({
      sentence: expect.stringContaining('not installed on this node (package pacemaker-cli-utils of Debian'),
    });
  });

  test('a mistake of ours is none of that', async () => {
    const nodes = new ClusterNodes(async () => {
      throw new TypeError('ours');
    });
    await expect(nodes.read()).rejects.toThrow('ours');
  });
});

describe('how it is asked', () => {
  const old = readFileSync(join(fixtures, '1.1.18/remote-online.xml'), 'utf8');

  test.each([
    ['getopt of 1.1.18 and 2.0.2', 64, "crm_mon: unrecognized option '--output-as=xml'"],
    ['another exit code', 1, 'crm_mon: unrecognized option'],
    ['nothing but the exit code', 64, ''],
  ])('an older crm_mon is found out once: %s', async (_, exitCode, stderr) => {
    const calls: string[] = [];
    const nodes = new ClusterNodes(async (tool, args) => {
      calls.push([tool, ...args].join(' '));
      return args.includes('--output-as=xml') ? failed(exitCode, stderr) : done(old);
    });
    expect(await nodes.read()).toMatchObject({ known: true });
    expect(await nodes.read()).toMatchObject({ known: true });
    expect(calls).toEqual([
      'crm_mon -1 --output-as=xml --fence-history=0',
      'crm_mon -1 --as-xml',
      'crm_mon -1 --as-xml',
    ]);
  });

  test('one failure does not make it an older one', async () => {
    const calls: string[] = [];
    const nodes = new ClusterNodes(async (_, args) => {
      calls.push(args.join(' '));
      return failed(102, 'crm_mon: Error: cluster is not available on this node');
    });
    await nodes.read();
    await nodes.read();
    expect(new Set(calls).size).toBe(1);
  });
});
