/**
 * The entry of the single binary. One file holds every agent; which one runs is decided by the name it was
 * called by, so that `/usr/lib/ocf/resource.d/openstack/NovaEvacuate` and `/usr/sbin/fence_compute` can be
 * links to the same file. An agent is imported only when it is called: what is loaded is what costs time,
 * and Pacemaker starts these processes every few seconds.
 */
import { basename } from 'node:path';

/** The standard streams, as an agent gets them. */
interface AgentIo {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** What each agent's main.ts exports: runs one action and gives the exit code. */
type RunAgent = (argv: readonly string[], env: NodeJS.ProcessEnv, io: AgentIo) => Promise<number>;

const agents = new Map<string, () => Promise<{ run: RunAgent }>>([
  ['NovaEvacuate', () => import('./agents/NovaEvacuate/main.ts')],
  ['fence_compute', () => import('./fence/fence_compute/main.ts')],
]);

const EXIT_ERROR = 1;
const EXIT_USAGE = 2;

// argv0 is the name as called. execPath would not do: it is the file that a link leads to.
const name = basename(process.argv0);

// Creating a stream object costs about a millisecond each, so they come into being when first asked for, and
// only those that did are flushed at the end.
const used = new Set<NodeJS.WriteStream>();
let stdoutFailed = false;

function output(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  if (!used.has(stream)) {
    used.add(stream);
    // A reader that went away or a full disk must not end in an unhandled 'error' event. For stdout it is a
    // failure: somebody got only half an answer.
    stream.on('error', () => {
      stdoutFailed ||= stream === process.stdout;
    });
  }
  return stream;
}

const io: AgentIo = {
  get stdin() {
    return process.stdin;
  },
  get stdout() {
    return output(process.stdout);
  },
  get stderr() {
    return output(process.stderr);
  },
};

/** Resolves when everything written so far has been handed to the operating system, or cannot be. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once('error', () => resolve());
    stream.write('', () => resolve());
  });
}

async function exit(code: number): Promise<void> {
  await Promise.all([...used].map(flushed));
  process.exitCode = code === 0 && stdoutFailed ? EXIT_ERROR : code;
  // Everything is out. Waiting for the event loop to run dry would let an idle keep-alive connection, or a
  // child nobody reads any more, hold up the cluster.
  process.exit();
}

function explain(error: unknown): string {
  const debugging = (process.env['HA_debug'] ?? '0') !== '0';
  if (!(error instanceof Error)) return String(error);
  return debugging && error.stack !== undefined ? error.stack : error.message;
}

/** Last resort: a defect of ours, told in one sentence instead of a stack trace in the cluster's log. */
function die(error: unknown): void {
  io.stderr.write(`${name}: stopped by an unexpected error (please report it): ${explain(error)}\n`);
  void exit(EXIT_ERROR);
}

async function main(): Promise<void> {
  const load = agents.get(name);
  if (load === undefined) {
    const names = [...agents.keys()].join(' or ');
    io.stderr.write(`This file must be called by the name of the agent to run, ${names}, not ${name}.\n`);
    return exit(EXIT_USAGE);
  }
  const agent = await load();
  return exit(await agent.run(process.argv.slice(2), process.env, io));
}

process.on('uncaughtException', die);
main().catch(die);
