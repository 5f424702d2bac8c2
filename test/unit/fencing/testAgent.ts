import {
  actionOption,
  delayOption,
  disableTimeoutOption,
  type FenceAction,
  type FenceAgent,
  type FenceContext,
  FenceExit,
  type FenceIo,
  type FenceOption,
  type FenceRunOptions,
  listOptions,
  loggingOptions,
  passwordScriptOption,
  plugOption,
  runFenceAgent,
} from '../../../lib/fencing/index.ts';

const actions: readonly FenceAction[] = [
  { name: 'on', aliases: ['enable'], needsPlug: true, automatic: true },
  { name: 'off', aliases: ['disable'], needsPlug: true, delayed: true },
  { name: 'status', needsPlug: true },
  { name: 'list' },
  { name: 'monitor' },
];

export const options: readonly FenceOption[] = [
  actionOption([...actions.map(({ name }) => name), 'metadata', 'manpage', 'validate-all'], 'off'),
  plugOption,
  {
    key: 'login',
    long: 'username',
    short: 'l',
    type: 'string',
    argument: 'name',
    shortdesc: 'Login <name> & "more"',
  },
  { key: 'passwd', long: 'password', short: 'p', type: 'string', secret: true, shortdesc: 'Password' },
  { key: 'user-domain', long: 'user-domain', short: 'u', type: 'string', default: 'Default', shortdesc: 'D' },
  { key: 'auth_url', long: 'auth-url', short: 'k', type: 'string', default: '', shortdesc: 'URL' },
  { key: 'insecure', long: 'insecure', type: 'boolean', shortdesc: 'Insecure' },
  { key: 'no_shared_storage', long: 'no-shared-storage', type: 'boolean', default: 'False', shortdesc: 'S' },
  { key: 'retry_on', long: 'retry-on', type: 'integer', default: '1', shortdesc: 'Retry' },
  passwordScriptOption,
  ...loggingOptions,
  ...listOptions,
  delayOption,
  disableTimeoutOption,
];

export interface TestAgent extends FenceAgent {
  readonly calls: FenceContext[];
}

/** An agent that remembers the contexts it was called with. */
export function testAgent(overrides: Partial<FenceAgent> = {}): TestAgent {
  const calls: FenceContext[] = [];
  return {
    calls,
    name: 'fence_test',
    version: '1.2.3',
    shortdesc: 'An agent for tests',
    longdesc: 'Does <nothing> & says so.',
    options,
    actions,
    defaultAction: 'off',
    act: async (ctx) => {
      calls.push(ctx);
      return FenceExit.success;
    },
    ...overrides,
  };
}

/** Collects what an agent prints, and feeds it stdin. */
export function capture(stdin: string): FenceIo & { readonly out: () => string; readonly err: () => string } {
  let out = '';
  let err = '';
  return {
    stdin: (async function* () {
      yield Buffer.from(stdin);
    })(),
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    out: () => out,
    err: () => err,
  };
}

/** Runs an agent without syslog; `err` is its messages without their dates. */
export async function run(
  agent: FenceAgent,
  call: { readonly argv?: readonly string[]; readonly stdin?: string; readonly env?: NodeJS.ProcessEnv },
  settings: FenceRunOptions = {},
): Promise<{ readonly code: number; readonly out: string; readonly err: string[] }> {
  const io = capture(call.stdin ?? '');
  const code = await runFenceAgent(agent, call.argv ?? [], call.env ?? {}, io, {
    syslog: false,
    ...settings,
  });
  const err = io
    .err()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} /, ''));
  return { code, out: io.out(), err };
}
