import type { CallOptions, Migration, NovaClient, Server, ServerAction } from '@openstack-ts/nova-client';
import { NovaError } from '@openstack-ts/nova-client';
import { decideGuest, type GuestFacts, type GuestStep } from './guests.ts';
import type { PassLog } from './passLog.ts';
import { isFailed, recordsOf } from './records.ts';
import type { GuestCount } from './release.ts';

/** How many instances are asked about, or started, at a time: a returned host has to take its guests one by one anyway. */
const atATime = 8;

/**
 * How many looks in a row may fail to tell whether a guest runs before it is left so. A nova-compute that has just come
 * up, or an API that fails in passing, answers a moment later.
 */
const unsureLooks = 5;
/** How often an instance is asked to start where Nova fails in passing. */
const startAttempts = 5;

interface Guest {
  readonly server: Server;
  readonly step: GuestStep;
}

/**
 * Starts, in place, the instances of a returned host that should run and do not. Nova's own records (actions, task
 * states) tell what was done already, so that whoever comes next repeats nothing.
 */
export class GuestStarter {
  readonly #nova: NovaClient;
  readonly #host: string;
  readonly #log: PassLog;
  readonly #options: CallOptions;
  #guests: readonly Guest[] = [];
  #facts: (server: Server) => Pick<GuestFacts, 'evacuationFailed' | 'fencedAt' | 'triedSince'> = () => ({
    evacuationFailed: false,
    fencedAt: 0,
    triedSince: 0,
  });
  readonly #started = new Set<string>();
  /** Requests that Nova failed to take, by instance. */
  readonly #attempts = new Map<string, number>();
  readonly #named = new Map<string, string>();
  /** Looks in a row that did not tell whether a guest runs, by instance. */
  readonly #unsure = new Map<string, number>();

  constructor(nova: NovaClient, host: string, log: PassLog, options: CallOptions) {
    this.#nova = nova;
    this.#host = host;
    this.#log = log;
    this.#options = options;
  }

  /** Instances that were asked to start, by title. */
  get started(): readonly string[] {
    // One that was started in vain is named instead.
    return [...this.#started].filter((each) => !this.#named.has(each));
  }

  /** Instances that do not run and are left so, with the reason. */
  get named(): readonly string[] {
    return [...this.#named].map(([title, why]) => `${title} (${why})`);
  }

  /** Looks at the host's instances. Its nova-compute must be up: it is asked whether each runs. */
  async look(records: Iterable<Migration>, fencedAt: number, triedSince = fencedAt): Promise<GuestCount> {
    const servers = await this.#nova.listServers({ host: this.#host }, this.#options);
    const failed = new Set(
      servers
        .filter(({ id }) => recordsOf(records, id).some((one) => isFailed(one) && one.createdAt >= fencedAt))
        .map(({ id }) => id),
    );
    this.#facts = (server) => ({ evacuationFailed: failed.has(server.id), fencedAt, triedSince });
    this.#guests = await eachOf(servers, (server) => this.#lookAt(server));
    for (const { server, step } of this.#guests) if (step.kind === 'name') this.#name(server, step.sentence);
    const count = (...kinds: readonly GuestStep['kind'][]) =>
      this.#guests.filter(({ step }) => kinds.includes(step.kind)).length;
    return { due: count('reboot', 'start', 'stop'), starting: count('starting') };
  }

  /** Does what the last look found due. What Nova refuses is named. */
  async start(): Promise<void> {
    const due = this.#guests.filter(({ step }) => ['reboot', 'start', 'stop'].includes(step.kind));
    await eachOf(due, async ({ server }) => {
      try {
        // Somebody else who walks this release may have started it meanwhile, and a second reboot would be a reset.
        const now = await this.#lookAt(await this.#nova.getServer(server.id, this.#options));
        await this.#do(now.server, now.step.kind);
      } catch (error) {
        if (!(error instanceof NovaError)) throw error;
        this.#refused(server, error);
      }
    });
  }

  #refused(server: Server, error: NovaError): void {
    // Nova may have carried out what it did not answer; the next look tells.
    if (error.unanswered || error.code === 'notFound') return;
    const attempts = (this.#attempts.get(server.id) ?? 0) + 1;
    this.#attempts.set(server.id, attempts);
    const final = ['conflict', 'forbidden', 'badRequest'].includes(error.code);
    if (final || attempts >= startAttempts) this.#name(server, `Nova refused: ${error.message}`);
  }

  async #do(server: Server, kind: GuestStep['kind']): Promise<void> {
    const { id } = server;
    if (kind === 'stop') {
      await this.#nova.resetServerState(id, 'active', this.#options);
      await this.#nova.stopServer(id, this.#options);
      this.#log.notice(
        `Restored ${title(server)} on ${this.#host}: it was off before its evacuation failed.`,
      );
      return;
    }
    if (kind === 'start') await this.#nova.startServer(id, this.#options);
    else if (kind !== 'reboot') return;
    else await this.#nova.rebootServer(id, 'HARD', this.#options);
    this.#started.add(title(server));
    this.#log.notice(`Starting ${title(server)} in place on ${this.#host}, which is back.`);
  }

  async #lookAt(server: Server): Promise<Guest> {
    // What this walk has started is started once, however long it takes.
    const facts = { ...this.#facts(server), ...(this.#started.has(title(server)) ? { triedSince: 0 } : {}) };
    const { evacuationFailed } = facts;
    const asked = server.vmState === 'active' || (server.vmState === 'error' && evacuationFailed);
    const running = asked && server.taskState === null ? await this.#runs(server.id) : null;
    if (this.#isUnsure(server.id, asked && server.taskState === null && running === null)) {
      return { server, step: { kind: 'starting' } };
    }
    const decide = (actions: readonly ServerAction[] | null) =>
      decideGuest({ server, running, actions, ...facts });
    // What was asked for and refused is not asked for again within one walk.
    if (this.#named.has(title(server))) return { server, step: { kind: 'leave' } };
    const step = decide(null);
    if (step.kind !== 'readActions') return { server, step };
    return { server, step: decide(await this.#nova.listActions(server.id, this.#options)) };
  }

  /** Whether one that could not be told is worth another look. */
  #isUnsure(id: string, untold: boolean): boolean {
    const looks = untold ? (this.#unsure.get(id) ?? 0) + 1 : 0;
    this.#unsure.set(id, looks);
    return untold && looks < unsureLooks;
  }

  async #runs(id: string): Promise<boolean | null> {
    try {
      return await this.#nova.isGuestRunning(id, this.#options);
    } catch (error) {
      if (!(error instanceof NovaError)) throw error;
      this.#log.debug(`Nova cannot tell whether instance ${id} runs: ${error.message}.`);
      return null;
    }
  }

  #name(server: Server, why: string): void {
    if (this.#named.has(title(server))) return;
    this.#named.set(title(server), why);
    this.#log.warn(`${title(server)} stays on ${this.#host} and does not run: ${why}.`);
  }
}

async function eachOf<T, R>(items: readonly T[], task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += atATime) {
    results.push(...(await Promise.all(items.slice(from, from + atATime).map(task))));
  }
  return results;
}

function title(server: Server): string {
  return `${server.name} (${server.id})`;
}
