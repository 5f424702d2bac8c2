import {
  type CallOptions,
  type Migration,
  type NovaClient,
  NovaError,
  type NovaHost,
  type Server,
  type ServerId,
} from '@openstack-ts/nova-client';
import { rethrowUnless } from '../../rethrow.ts';
import { powerGuest } from '../act/powerGuest.ts';
import type { GuestStep } from '../decide/guests.ts';
import { isSameHost } from '../incident/names.ts';
import { isFailed, recordsOf } from '../look/records.ts';
import { titleOf } from '../look/titles.ts';
import type { PassLog } from '../tell/passLog.ts';
import { GuestLook, type KnownOfGuest } from './guestLook.ts';
import type { GuestCount } from './release.ts';

/** How many instances are asked about, or started, at a time: a returned host has to take its guests one by one anyway. */
const atATime = 8;

/** How often an instance is asked to start where Nova fails in passing. */
const startAttempts = 5;

/** What asks for something to be done. */
const dueKinds: readonly GuestStep['kind'][] = ['reboot', 'start', 'stop', 'forget'];

/** A record of an instance that is still on its old host: a nova-compute that starts completes those that are not over. */
function cameToNothing(record: Migration): boolean {
  return isFailed(record) || record.status === 'completed';
}

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
  readonly #host: NovaHost;
  readonly #log: PassLog;
  readonly #options: CallOptions;
  readonly #guestLook: GuestLook;
  #guests: readonly Guest[] = [];
  #facts: (server: Server) => KnownOfGuest = () => ({
    evacuationFailed: false,
    fencedAt: 0,
    triedSince: 0,
  });
  readonly #leftOut = new Set<ServerId>();
  readonly #started = new Set<string>();
  /** Requests that Nova failed to take, by instance. */
  readonly #attempts = new Map<ServerId, number>();
  readonly #named = new Map<string, string>();

  constructor(nova: NovaClient, host: NovaHost, log: PassLog, options: CallOptions) {
    this.#nova = nova;
    this.#host = host;
    this.#log = log;
    this.#options = options;
    this.#guestLook = new GuestLook(nova, log, options);
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
    const servers = await this.#list();
    const failed = new Set(
      servers
        .filter(({ id }) =>
          recordsOf(records, id).some((one) => one.createdAt >= fencedAt && cameToNothing(one)),
        )
        .map(({ id }) => id),
    );
    this.#facts = (server) => ({ evacuationFailed: failed.has(server.id), fencedAt, triedSince });
    this.#guests = await eachOf(servers, (server) => this.#lookAt(server));
    for (const { server, step } of this.#guests) if (step.kind === 'name') this.#name(server, step.sentence);
    const count = (...kinds: readonly GuestStep['kind'][]) =>
      this.#guests.filter(({ step }) => kinds.includes(step.kind)).length;
    return { due: count(...dueKinds), starting: count('starting') };
  }

  /** Instances that Nova's list left out, and that are there. */
  add(ids: readonly ServerId[]): void {
    for (const id of ids) this.#leftOut.add(id);
  }

  async #list(): Promise<readonly Server[]> {
    const listed = await this.#nova.listServers({ host: this.#host }, this.#options);
    const missing = [...this.#leftOut].filter((id) => !listed.some((server) => server.id === id));
    const found = await eachOf(missing, async (id) => {
      try {
        return await this.#nova.getServer(id, this.#options);
      } catch (error) {
        rethrowUnless(error, NovaError);
        if (error.code !== 'notFound') throw error;
        return null;
      }
    });
    return [...listed, ...found.filter((server) => server !== null)].filter(({ host }) =>
      isSameHost(host, this.#host),
    );
  }

  /** Does what the last look found due. What Nova refuses is named. */
  async start(): Promise<void> {
    const due = this.#guests.filter(({ step }) => dueKinds.includes(step.kind));
    await eachOf(due, async ({ server }) => {
      try {
        // Somebody else who walks this release may have started it meanwhile, and a second reboot would be a reset.
        const now = await this.#lookAt(await this.#nova.getServer(server.id, this.#options));
        await this.#do(now.server, now.step.kind);
      } catch (error) {
        rethrowUnless(error, NovaError);
        this.#refused(server, error);
      }
    });
  }

  #refused(server: Server, error: NovaError): void {
    // Nova may have carried out what it did not answer; the next look tells.
    if (error.unanswered || error.code === 'notFound') return;
    const attempts = (this.#attempts.get(server.id) ?? 0) + 1;
    this.#attempts.set(server.id, attempts);
    // A task ends, as Nova's power sync does; the next look tells what it has left.
    const final =
      ['conflict', 'forbidden', 'badRequest'].includes(error.code) && error.reason !== 'taskState';
    if (final || attempts >= startAttempts) this.#name(server, `Nova refused: ${error.message}`);
  }

  async #do(server: Server, kind: GuestStep['kind']): Promise<void> {
    if (kind === 'forget') {
      await this.#nova.resetServerState(server.id, 'active', this.#options);
      this.#log.notice(
        `Reset the state of ${titleOf(server)} on ${this.#host}: its evacuation died with its destination and left the task ${server.taskState}.`,
      );
      return;
    }
    if (kind !== 'start' && kind !== 'reboot' && kind !== 'stop') return;
    await powerGuest(this.#nova, server.id, kind, this.#options);
    if (kind === 'stop') {
      this.#log.notice(
        `Restored ${titleOf(server)} on ${this.#host}: it was off before its evacuation failed.`,
      );
      return;
    }
    this.#started.add(titleOf(server));
    this.#log.notice(`Starting ${titleOf(server)} in place on ${this.#host}, which is back.`);
  }

  async #lookAt(server: Server): Promise<Guest> {
    const facts = this.#facts(server);
    const isStarted = this.#started.has(titleOf(server));
    // What was asked for and refused is not asked for again within one walk.
    const isNamed = this.#named.has(titleOf(server));
    // What this walk has started is started once, however long it takes.
    const step = await this.#guestLook.at(server, isStarted ? { ...facts, triedSince: 0 } : facts, isNamed);
    return { server, step };
  }

  #name(server: Server, why: string): void {
    if (this.#named.has(titleOf(server))) return;
    this.#named.set(titleOf(server), why);
    this.#log.warn(`${titleOf(server)} stays on ${this.#host} and does not run: ${why}.`);
  }
}

async function eachOf<T, R>(items: readonly T[], task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += atATime) {
    results.push(...(await Promise.all(items.slice(from, from + atATime).map(task))));
  }
  return results;
}
