import { type ClusterNode, ClusterNodes, hasJoined, mayRun } from '../../../lib/cluster/index.ts';

/**
 * The states that a node, or the cluster, is brought into by the lab's scenario 33, and what the agents have to read of
 * them, whatever Pacemaker tells it. The lab judges the live answers by it, the unit tests those that were kept.
 */

const features = ['kind', 'online', 'pending', 'unclean', 'standby', 'maintenance', 'connecting'] as const;
const plain = {
  online: true,
  pending: false,
  unclean: false,
  standby: false,
  maintenance: false,
  connecting: false,
};

/** What each state means, whatever version tells it. */
const states: Readonly<
  Record<string, { readonly is: Partial<ClusterNode>; readonly joined: boolean; readonly mayRun?: boolean }>
> = {
  'remote-online': { is: { ...plain, kind: 'remote' }, joined: true, mayRun: true },
  'remote-offline': { is: { ...plain, kind: 'remote', online: false }, joined: false, mayRun: false },
  'remote-unclean': {
    is: { ...plain, kind: 'remote', online: false, unclean: true },
    joined: false,
    mayRun: true,
  },
  'remote-connecting': { is: { ...plain, kind: 'remote', connecting: true }, joined: false, mayRun: true },
  // Seconds later, when the resource is shown as started already, or as stopped where another node has stopped it before.
  'remote-connecting-long': {
    is: { kind: 'remote', connecting: true, unclean: false, pending: false },
    joined: false,
    mayRun: true,
  },
  'remote-connecting-offline': {
    is: { ...plain, kind: 'remote', connecting: true, online: false },
    joined: false,
    mayRun: true,
  },
  // Its resource is stopped by an operator.
  'remote-stopped': { is: { ...plain, online: false }, joined: false, mayRun: false },
  'remote-standby': { is: { ...plain, kind: 'remote', standby: true }, joined: true, mayRun: true },
  'remote-maintenance': { is: { ...plain, kind: 'remote', maintenance: true }, joined: true, mayRun: true },
  'member-online': { is: { ...plain, kind: 'member' }, joined: true, mayRun: true },
  'member-offline': { is: { ...plain, kind: 'member', online: false }, joined: false, mayRun: false },
  // The scheduler puts one that is pending in standby.
  'member-pending': { is: { kind: 'member', pending: true, unclean: false }, joined: false, mayRun: true },
  // Pacemaker was ended in order, and corosync runs: pending or offline, by version.
  'member-stopped': { is: { kind: 'member', unclean: false }, joined: false },
  'member-maintenance': { is: { ...plain, kind: 'member', maintenance: true }, joined: true, mayRun: true },
  'member-standby': { is: { ...plain, kind: 'member', standby: true }, joined: true, mayRun: true },
  'member-unclean': { is: { kind: 'member', unclean: true }, joined: false, mayRun: true },
  'guest-offline': { is: { ...plain, kind: 'guest', online: false }, joined: false, mayRun: false },
  'guest-online': { is: { ...plain, kind: 'guest' }, joined: true, mayRun: true },
};
const untold: Readonly<Record<string, string>> = { 'no-quorum': 'noQuorum', 'no-dc': 'noDc' };

/** What is wrong with what the agents read of an answer of `crm_mon`; null: it is what the state is. */
export async function whatIsWrong(state: string, answer: string): Promise<string | null> {
  const run = async () => ({ exitCode: 0, stdout: answer, stderr: '' });
  const reading = await new ClusterNodes(run).read();
  const why = untold[state];
  if (why !== undefined) {
    return !reading.known && reading.why === why ? null : `${JSON.stringify(reading)}, not told for ${why}`;
  }
  const expected = states[state];
  if (expected === undefined) return `no expectation for the state ${state}`;
  if (!reading.known) return reading.sentence;
  const node = subject(state, reading.nodes);
  if (node === undefined) return 'no such node';
  const wrong = features.some((key) => expected.is[key] !== undefined && expected.is[key] !== node[key]);
  const judged = { joined: hasJoined(node), mayRun: mayRun(node) };
  const misjudged = judged.joined !== expected.joined || (expected.mayRun ?? judged.mayRun) !== judged.mayRun;
  return wrong || misjudged ? JSON.stringify({ ...node, ...judged }) : null;
}

/** Whose the state is: see the README beside the fixtures. */
function subject(state: string, nodes: readonly ClusterNode[]): ClusterNode | undefined {
  const kind = state.split('-', 1)[0];
  const ofKind = nodes.filter((node) => node.kind === kind);
  if (kind === 'remote')
    return ofKind.find(({ name }) => name === (state === 'remote-stopped' ? 'comp3' : 'comp0'));
  return ofKind.sort((one, other) => one.name.localeCompare(other.name)).at(-1);
}
