import { NovaError } from '@openstack-ts/nova-client';
import { type Incident, type MarkName, type MarkReading, markName } from '../../attrd/index.ts';
import { NodeWatch } from '../../cluster/index.ts';
import { rethrowUnless } from '../../rethrow.ts';
import { passBudgetMs, passHardLimitMs, passReportMs } from '../incident/pacing.ts';
import { mishap } from '../tell/mishap.ts';
import { hostFigures, type PassOutcome } from '../tell/outcome.ts';
import { boundTimes } from './boundTimes.ts';
import { Claims, type OurMarks } from './claimedMarks.ts';
import { Evacuations } from './evacuations.ts';
import { Ledger } from './ledger.ts';
import { Limits, wordsEveryMs } from './limits.ts';
import { NodesGate } from './nodesGate.ts';
import { openScope } from './openScope.ts';
import type { PassOptions } from './passOptions.ts';
import type { Gate, PassScope } from './passScope.ts';
import { Proofs } from './proofs.ts';
import { Releases } from './releases.ts';
import { Running } from './running.ts';

/** How often a pass at work looks for marks that came meanwhile, in ms. */
const newMarksMs = 5_000;
/** What holds up all hosts is noted under no host's name. */
const noMark = markName('');

/**
 * One pass over all marks: claims those that are pending, evacuates their hosts side by side, and gives the claims
 * back; walks the release of hosts that were evacuated. Hosts that are marked, or come back, while it works are taken
 * in. The caller holds this node's lock.
 */
export async function runPass(options: PassOptions): Promise<PassOutcome> {
  return new Supervisor(options).run();
}

/** Goes over the marks again and again and lets hosts run side by side. What fails of one host is that host's outcome. */
class Supervisor {
  readonly #options: PassOptions;
  readonly #lingerUntil: number;
  readonly #reportBy: number;
  readonly #nodes: NodeWatch;
  readonly #nodesGate: NodesGate;
  readonly #running = new Running();
  readonly #ledger: Ledger;
  readonly #proofs: Proofs;
  readonly #limits: Limits;
  readonly #claims: Claims;
  readonly #evacuations: Evacuations;
  readonly #releases: Releases;
  #scope: PassScope | null = null;
  /** Of all nodes, as last read. */
  #incidents: ReadonlyMap<MarkName, Incident> = new Map();

  constructor(options: PassOptions) {
    this.#options = options;
    this.#lingerUntil = options.startedAt + passBudgetMs(options.timeoutMs);
    this.#reportBy = options.startedAt + passReportMs(options.timeoutMs);
    this.#nodes = new NodeWatch(options.readNodes, () => options.clock.now());
    this.#nodesGate = new NodesGate(() => options.clock.now());
    this.#ledger = new Ledger(options);
    this.#proofs = new Proofs(options, this.#ledger);
    this.#limits = new Limits(options, this.#ledger);
    this.#claims = new Claims(options, () => this.#nodes.nodes(), this.#ledger, this.#proofs);
    this.#evacuations = new Evacuations(options, this.#ledger, this.#proofs, this.#limits, this.#running);
    this.#releases = new Releases(options, () => this.#nodes.nodes(), this.#ledger, this.#running);
  }

  async run(): Promise<PassOutcome> {
    const { hints, clock, log } = this.#options;
    boundTimes(hints, clock.now());
    let deferredUntil: number | null;
    const stopReading = clock.every(wordsEveryMs, () => {
      this.#limits.heedWord().catch((error: unknown) => mishap(error, log));
    });
    do deferredUntil = await this.#round();
    while (await this.#mayGoOn(deferredUntil));
    await this.#running.all();
    stopReading();
    await this.#heedAtLast();
    await this.#scope?.claims.stop();
    if (this.#scope !== null) {
      hints.throttle = this.#scope.throttle.state;
      this.#reportFigures(this.#scope);
    }
    return this.#ledger.outcome();
  }

  /** What is told of limits and of the operator's word at the end is so at the end. */
  async #heedAtLast(): Promise<void> {
    if (!this.#ledger.outcomes.some(({ heldBack }) => heldBack !== undefined)) return;
    await this.#limits.heedWord();
    this.#ledger.heed((name) => this.#gate(name));
  }

  #gate(name: MarkName): Gate {
    return this.#nodesGate.gate ?? this.#limits.gate(name);
  }

  /** Waits for what is next: new marks, the end of what runs, or one that is deferred; false when the pass is over. */
  async #mayGoOn(deferredUntil: number | null): Promise<boolean> {
    const { clock } = this.#options;
    const now = clock.now();
    if (now >= this.#lingerUntil) return false;
    if (!this.#running.isEmpty) {
      await Promise.race([
        clock.sleep(Math.min(newMarksMs, Math.max(0, this.#lingerUntil - now))),
        this.#running.all(),
      ]);
      return true;
    }
    if (deferredUntil === null || deferredUntil >= this.#reportBy) return false;
    await clock.sleep(Math.min(newMarksMs, Math.max(100, deferredUntil - now)));
    return true;
  }

  /** {@link #takeUp}, whose failure ends no supervision: what runs goes on, and the next round tries again. */
  async #round(): Promise<number | null> {
    try {
      const deferredUntil = await this.#takeUp();
      this.#ledger.close(noMark);
      return deferredUntil;
    } catch (error) {
      const why = mishap(error, this.#options.log);
      const sentence = `evacuations are held up: ${why}; marks are kept and the next pass tries again.`;
      this.#ledger.note(noMark, 'troubled', sentence);
      return null;
    }
  }

  /** One round over the marks: starts what is ours; returns when the first deferred one may be looked at, else null. */
  async #takeUp(): Promise<number | null> {
    const { marks, clock } = this.#options;
    const readAt = clock.now();
    const { marks: all, incidents } = await marks.readAll();
    this.#incidents = incidents;
    // Who is at work goes on asking for more: once a round it is made sure that the cluster is still one.
    if (!this.#running.isEmpty) this.#nodesGate.heed(await this.#nodes.nodes());
    await this.#refresh(all, readAt);
    this.#ledger.newRound();
    const ours = await this.#claims.ours(all, (name) => this.#evacuations.isTaken(name));
    const lookAt = ours.mine.length > 0 ? await this.#start(ours, all, readAt) : null;
    const releasesAt = await this.#releases.takeUp(all, () => this.#connected(), newMarksMs);
    return earliest(ours.deferredUntil, lookAt, releasesAt);
  }

  /** Limits may have changed for what is at work; whoever begins reads them first. Where Nova fails it goes on with what it knew, and its age. */
  async #refresh(all: readonly MarkReading[], readAt: number): Promise<void> {
    if (this.#scope === null || this.#running.isEmpty) return;
    try {
      await this.#limits.refresh(this.#scope, all, readAt, this.#proofs);
    } catch (error) {
      rethrowUnless(error, NovaError);
    }
  }

  async #start(ours: OurMarks, all: readonly MarkReading[], readAt: number): Promise<number | null> {
    const scope = await this.#connected();
    const [services, nodes] = await Promise.all([scope.cloud.services(), this.#nodes.nodes()]);
    this.#proofs.heed(nodes);
    if (nodes.known) scope.names.heed(nodes.nodes.map(({ name }) => name));
    return this.#evacuations.start(scope, ours, { services, nodes }, all, readAt, newMarksMs);
  }

  async #connected(): Promise<PassScope> {
    const { startedAt, timeoutMs } = this.#options;
    this.#scope ??= await openScope(this.#options, {
      deadline: startedAt + passHardLimitMs(timeoutMs),
      lingerUntil: this.#lingerUntil,
      reportBy: this.#reportBy,
      readNodes: () => this.#nodes.nodes(),
      incidents: () => this.#incidents,
      gate: (name) => this.#gate(name),
      turns: this.#limits.turns,
      othersAtWork: (name) => this.#evacuations.othersAtWork(name),
    });
    return this.#scope;
  }

  #reportFigures({ nova, throttle, report }: PassScope): void {
    const { clock, apiErrors } = this.#options;
    report.figures({
      at: clock.now(),
      ...hostFigures(this.#ledger.outcomes),
      concurrency: throttle.limit,
      requests: nova.requestCount,
      apiErrors: apiErrors(),
    });
  }
}

function earliest(...times: readonly (number | null)[]): number | null {
  const set = times.filter((time) => time !== null);
  return set.length === 0 ? null : Math.min(...set);
}
