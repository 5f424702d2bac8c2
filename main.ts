/**
 * The entry of the single binary. One file holds every agent; which one runs is decided by the name it was
 * called by, so that `/usr/lib/ocf/resource.d/openstack/NovaEvacuate` and `/usr/sbin/fence_compute` can be
 * links to the same file. An agent is imported only when it is called: what is loaded is what costs time,
 * and Pacemaker starts these processes every few seconds.
 */
import { writeSync } from 'node:fs';
import { basename } from 'node:path';
import { endProcess } from './lib/system/endProcess.ts';
import { hideSecrets } from './lib/system/secrets.ts';

/** The standard streams, as an agent gets them. */
interface AgentIo {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** What each agent's main.ts exports: runs one action and gives the exit code. */
type RunAgent = (argv: readonly string[], env: NodeJS.ProcessEnv, io: AgentIo) => Promise<number>;

const agents = new Map<string, () => Promise<{ run: RunAgent }>>([
  ['NovaEvacuate', () => import('./agents/NovaEvacuate/main.ts')],
  ['NovaCompute', () => import('./agents/NovaCompute/main.ts')],
  ['fence_compute', () => import('./fence/fence_compute/main.ts')],
]);

const EXIT_SUCCESS = 0;
const EXIT_ERROR = 1;
const EXIT_USAGE = 2;

// argv0 is the name as called. execPath would not do: it is the file that a link leads to.
const name = basename(process.argv0);

/**
 * A standard stream that is written to at once. Node's own stream objects take milliseconds to load, more than
 * the rest of `meta-data`, and what they still hold when the process ends would be lost.
 */
class Output {
  readonly #fd: number;
  #failed = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Whether something could not be written: the reader has gone away, or the disk is full. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Never throws; what comes after a failure is dropped. */
  write(text: string): void {
    let rest = Buffer.from(text);
    while (rest.length > 0 && !this.#failed) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest));
      } catch (error) {
        // A pipe that somebody else made non-blocking, and that is full: its reader needs a moment.
        if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') pause(1);
        else this.#failed = true;
      }
    }
  }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

const io: AgentIo = {
  get stdin() {
    return process.stdin;
  },
  stdout: new Output(1),
  stderr: new Output(2),
};

/** An answer that did not get through is a failure. */
function exit(code: number): void {
  endProcess(code === EXIT_SUCCESS && io.stdout.failed ? EXIT_ERROR : code);
}

function explain(error: unknown): string {
  const debugging = (process.env['HA_debug'] ?? '0') !== '0';
  if (!(error instanceof Error)) return hideSecrets(String(error));
  return hideSecrets(debugging && error.stack !== undefined ? error.stack : error.message);
}

/** Last resort: a defect of ours, told in one sentence instead of a stack trace in the cluster's log. */
function die(error: unknown): void {
  io.stderr.write(`${name}: stopped by an unexpected error (please report it): ${explain(error)}\n`);
  exit(EXIT_ERROR);
}

async function main(): Promise<void> {
  const load = agents.get(name);
  if (load === undefined) {
    const names = [...agents.keys()].join(', ').replace(/, ([^,]*)$/, ' or $1');
    io.stderr.write(`This file must be called by the name of the agent to run, ${names}, not ${name}.\n`);
    return exit(EXIT_USAGE);
  }
  const agent = await load();
  return exit(await agent.run(process.argv.slice(2), process.env, io));
}

process.on('uncaughtException', die);
main().catch(die);
