import { mkdirSync, writeFileSync } from 'node:fs';
import { whatIsWrong } from '../../unit/cluster/nodeStates.ts';
import { waitFor } from './cloud.ts';
import { onNode } from './node.ts';
import type { Lab } from './scenario.ts';
import { RUN } from './settings.ts';

/** What a tool of Pacemaker answered in a known state of the cluster, kept as it came: a fixture of the unit tests. */

const DIRECTORY = `${RUN}/recorded`;

/** The question that the agents ask. */
const QUESTION = ['crm_mon', '-1', '--output-as=xml', '--fence-history=0'];

async function askNodes(controller: string): Promise<string | undefined> {
  const { code, stdout } = await onNode(controller, QUESTION, 5);
  return code === 0 ? stdout : undefined;
}

/**
 * Waits until the answer is one of the state that is meant, keeps it as `STATE.xml` below `state/recorded`, and judges
 * what the agents read of it.
 */
export async function record(
  lab: Lab,
  state: string,
  isMeant: (answer: string) => boolean,
  { on = 'ctl0', seconds = 60 }: { readonly on?: string; readonly seconds?: number } = {},
): Promise<void> {
  const what = `crm_mon on ${on} tells ${state}`;
  const answer = await waitFor(
    what,
    seconds,
    async () => {
      const said = await askNodes(on);
      return said !== undefined && isMeant(said) ? said : undefined;
    },
    50,
  );
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(`${DIRECTORY}/${state}.xml`, answer);
  const wrong = await whatIsWrong(state, answer);
  lab.check(wrong === null, `${what}, and the agents read it so`, wrong ?? '');
}

/** A call of a tool and all that came of it. */
interface Call {
  readonly command: readonly string[];
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Keeps what the other tools answer to the questions of the agents, as `tools.json`: about an attribute that has values,
 * one that nobody ever set, a permanent one, and the fencing history of a node that was fenced.
 */
export async function recordTools(controller: string, fenced: string): Promise<void> {
  const attribute = ['attrd_updater', '-n', 'lab-recorded'];
  const permanent = ['crm_attribute', '-N', fenced, '-n', 'lab-recorded', '-l', 'forever'];
  const commands = [
    ['attrd_updater', '--query', '--all', '--name=lab-never-set', '--output-as=xml'],
    ['attrd_updater', '--query', '--all', '--name=lab-never-set'],
    [...attribute, '-N', fenced, '-p', '-U', 'a "b" <c>&'],
    [...attribute, '-N', 'no-such-node', '-p', '-U', 'yes'],
    ['attrd_updater', '--query', '--all', '--name=lab-recorded', '--output-as=xml'],
    ['attrd_updater', '--query', '--all', '--name=lab-recorded'],
    [...attribute, '-N', fenced, '-p', '-D'],
    [...attribute, '-N', 'no-such-node', '-p', '-D'],
    [...permanent, '-v', 'yes'],
    ['cibadmin', '-Q', '--xpath', '/cib/configuration/nodes'],
    [
      'cibadmin',
      '--delete',
      '--xpath',
      `//nodes/node[@uname='${fenced}']//nvpair[@name='lab-recorded' and @value='no']`,
    ],
    ['cibadmin', '-Q', '--xpath', "//nodes//nvpair[@name='lab-recorded']"],
    [
      'cibadmin',
      '--delete',
      '--xpath',
      `//nodes/node[@uname='${fenced}']//nvpair[@name='lab-recorded' and @value='yes']`,
    ],
    ['cibadmin', '-Q', '--xpath', "//nodes//nvpair[@name='lab-recorded']"],
    ['crm_attribute', '-N', 'no-such-node', '-n', 'lab-recorded', '-v', 'yes', '-l', 'forever'],
    ['stonith_admin', '--history', fenced, '--verbose', '--output-as=xml'],
  ];
  const calls: Call[] = [];
  for (const command of commands) {
    const { code, stdout, stderr } = await onNode(controller, command, 20);
    calls.push({ command, exitCode: code, stdout, stderr });
  }
  writeFileSync(`${DIRECTORY}/tools.json`, `${JSON.stringify(calls, null, 1)}\n`);
}
