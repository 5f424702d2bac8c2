import { NovaError } from '@openstack-ts/nova-client';
import { AttrdError, insist, type NodeName } from '../../lib/attrd/index.ts';
import type { LocalCompute } from '../../lib/evacuation/index.ts';
import { ComputeError } from '../../lib/evacuation/return/localCompute.ts';
import { type OcfContext, OcfExit } from '../../lib/ocf/index.ts';
import { rethrowUnless } from '../../lib/rethrow.ts';
import { Clearance } from './clearance.ts';
import { askHalves } from './halfTold.ts';
import { Hearing } from './hearing.ts';
import { explainMismatch, type NovaHostName } from './hostName.ts';
import { findNovaCompute, readConf } from './novaCompute.ts';
import { NovaConfError } from './novaConf/index.ts';
import { findMs, tidyMs } from './timing.ts';
import { WaitWords } from './waitWords.ts';
import { createWorld, type World } from './world.ts';

const longestSeconds = 24 * 3600;
/** How often it is looked whether nova-compute may start without an answer of the cluster's, in ms. */
const lookMs = 2_000;
/** From when on a cluster that does not answer counts as silent, in ms; a wait for less than twice that lets half its time pass. */
const silentMs = 60_000;
/** A word that was given longer than this before the wait began is about another start, in ms. */
const wordAgeMs = 600_000;
/** How long Nova is asked whether it holds the host down, in ms. */
const askNovaMs = 15_000;
/** What a shell shows of a process that such a signal ended. */
const endedBy = { SIGTERM: 143, SIGINT: 130, SIGHUP: 129 } as const;
type EndSignal = keyof typeof endedBy;

/** Has a function called when this process is told to end; gives what takes that back. */
export type OnTerm = (ended: (signal: EndSignal) => void) => () => void;

const onSignal: OnTerm = (ended) => {
  const signals = Object.keys(endedBy) as EndSignal[];
  const listeners = signals.map((signal) => ({ signal, listener: () => ended(signal) }));
  for (const { signal, listener } of listeners) process.once(signal, listener);
  return () => {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  };
};

/**
 * `wait [SECONDS]`: returns 0 once nova-compute may be started on this machine, by whoever called; else, when the time
 * is over, 1 and why. Needs no parameter; with a login, Nova too is asked whether an evacuation is in flight. 143: it was ended by
 * SIGTERM, as systemd ends it where the unit is stopped meanwhile.
 */
export async function wait(
  ctx: OcfContext,
  args: readonly string[],
  // It may wait for a day, so that none of its looks is near the end.
  world: World = createWorld(ctx, Number.POSITIVE_INFINITY),
  onTerm: OnTerm = onSignal,
): Promise<number> {
  const timeoutMs = args.length === 0 ? ctx.timeoutMs : seconds(args);
  if (timeoutMs === null) {
    ctx.exitReason(
      `wait takes one number of seconds, up to ${longestSeconds}, not "${args.join(' ').slice(0, 80)}"`,
    );
    return OcfExit.args;
  }
  return new Wait(ctx, world, timeoutMs, onTerm).run();
}

class Wait {
  readonly #ctx: OcfContext;
  readonly #world: World;
  readonly #timeoutMs: number;
  readonly #deadline: number;
  readonly #onTerm: OnTerm;
  readonly #clearance: Clearance;
  readonly #hearing: Hearing;
  readonly #words: WaitWords;
  #name: NovaHostName | null = null;
  #node: NodeName | null = null;

  constructor(ctx: OcfContext, world: World, timeoutMs: number, onTerm: OnTerm) {
    this.#ctx = ctx;
    this.#world = world;
    this.#timeoutMs = timeoutMs;
    this.#deadline = ctx.startedAt + timeoutMs;
    this.#onTerm = onTerm;
    this.#clearance = new Clearance(ctx.stateDir);
    this.#hearing = new Hearing(world.clock);
    this.#words = new WaitWords(ctx.log, world.clock, () => this.#remedy());
  }

  async run(): Promise<number> {
    const stops: (() => void)[] = [() => this.#words.stop()];
    const otherwise = new Promise<number>((resolve, reject) => {
      stops.push(this.#onTerm((signal) => void this.#endedBy(signal).then(resolve, reject)));
      let isLooking = false;
      const look = (): void => {
        if (isLooking) return;
        isLooking = true;
        this.#mayStartAnyway().then((may) => {
          isLooking = false;
          if (may) resolve(OcfExit.success);
        }, reject);
      };
      stops.push(this.#world.clock.every(lookMs, look));
    });
    try {
      return await Promise.race([this.#waitForCluster(), otherwise]);
    } finally {
      for (const stop of stops) stop();
    }
  }

  async #waitForCluster(): Promise<number> {
    const ctx = this.#ctx;
    const world = this.#world;
    let node: NodeName;
    let name: NovaHostName;
    try {
      name = await hostName(ctx, world, Math.min(this.#deadline, world.clock.now() + findMs));
      this.#name = name;
      // A cluster that is only just starting is waited for; tools that are not installed are not.
      const patience = { clock: world.clock, forMs: this.#timeoutMs, until: this.#deadline };
      node = await insist(patience, () => this.#nodeName(name));
      this.#node = node;
    } catch (error) {
      rethrowUnless(error, NovaConfError, ComputeError, AttrdError);
      ctx.exitReason(`nova-compute is not to be started on this machine: ${error.message}`);
      // Without Pacemaker's tools, or nova.conf, no waiting helps.
      const cannotMend = error instanceof NovaConfError || ('code' in error && error.code === 'missing');
      return cannotMend ? OcfExit.installed : OcfExit.generic;
    }
    const [outcome, mismatch] = await Promise.all([
      world.comeBack({
        node,
        host: name.host,
        dnsDomain: this.#dnsDomain,
        marks: world.marks,
        readNodes: async () => {
          const reading = await world.readNodes();
          if (reading.known) this.#hearing.answered();
          return reading;
        },
        attributes: world.attributes,
        connect: world.connect,
        compute: toBeStartedByOthers(),
        clock: world.clock,
        // It starts nothing itself, and says in its own way what it waits for.
        log: { ...ctx.log, notice: ctx.log.debug, info: ctx.log.debug },
        startBy: this.#deadline,
        releaseMs: 0,
        deadline: this.#deadline,
        listener: {
          heardFlights: (inFlight) => {
            this.#hearing.heardFlights(inFlight);
            if (inFlight) this.#clearance.withdraw();
          },
          heardMarks: (inTheWay) => {
            this.#hearing.heardMarks(inTheWay);
            if (inTheWay) this.#clearance.withdraw();
          },
          waitsFor: (sentence) => {
            this.#hearing.failed();
            this.#words.say(sentence);
          },
        },
      }),
      mismatchOf(world, node, name),
    ]);
    if (mismatch !== null) ctx.log.warn(`${mismatch}.`);
    if (outcome.kind === 'unsafe') {
      ctx.exitReason(outcome.sentence);
      return OcfExit.generic;
    }
    this.#clearance.clear(name.host, world.clock.now());
    // One that came too late must not let a later start through.
    this.#clearance.useWord();
    return OcfExit.success;
  }

  async #nodeName({ host }: NovaHostName): Promise<NodeName> {
    try {
      this.#hearing.asks();
      return await this.#world.nodeName();
    } catch (error) {
      rethrowUnless(error, AttrdError);
      this.#hearing.failed();
      const { code, message } = error;
      if (code !== 'missing')
        this.#words.say(
          `${host} waits for the cluster to tell whether it is being evacuated: ${message.replace(/\.$/, '')}`,
        );
      throw error;
    }
  }

  /** Whether nova-compute may start without the cluster's saying so; says why it may. */
  async #mayStartAnyway(): Promise<boolean> {
    if (this.#name === null) return false;
    const { host } = this.#name;
    const { log } = this.#ctx;
    const wordAt = this.#clearance.wordAt;
    if (wordAt !== null && (this.#hearing.saysNo || !this.#isRecent(wordAt))) {
      this.#clearance.useWord();
      const why = this.#hearing.saysNo
        ? `as ${host} is being evacuated: it starts once that is over`
        : 'as it is from before this boot, or older than ten minutes: give it anew';
      log.warn(`${this.#clearance.word} is removed unheeded, ${why}.`);
    }
    if (this.#hearing.saysNo) return false;
    // The cluster has the first word, always.
    if (!this.#hearing.hasFailed) return false;
    const maySilently = () => this.#clearance.clearedAt(host) !== null && this.#isSilent();
    const hasWord = wordAt !== null && this.#isRecent(wordAt);
    if (!hasWord && !maySilently()) return false;
    const half = await askHalves(this.#world.attributes, host, this.#node);
    if (half.answers) this.#hearing.answeredInPart(half.saysNo);
    if (half.saysNo) {
      this.#clearance.withdraw();
      this.#words.say(
        `${host} waits for NovaEvacuate to evacuate it, as half of its mark says; the other half is not told`,
      );
      return false;
    }
    // Meanwhile the cluster may have spoken.
    if (this.#hearing.saysNo) return false;
    const why = this.#words.sentence ?? `${host} waits for the cluster`;
    if (hasWord) {
      this.#clearance.useWord();
      log.warn(`nova-compute may start as ${this.#clearance.word} says so, once: ${why}.`);
      return true;
    }
    // While Nova is asked, the cluster may speak.
    if (!maySilently() || (await this.#isHeldByNova()) || !maySilently() || this.#hearing.saysNo)
      return false;
    const clearedAt = this.#clearance.clearedAt(host);
    log.warn(
      `nova-compute may start although the cluster has not answered for ${Math.round(this.#hearing.silentMs / 1000)} s: the cluster let it start at ${clearedAt}, and this machine, which fencing would boot anew, has not booted since; see that Pacemaker runs here, or a failure of this host goes unnoticed.`,
    );
    return true;
  }

  #isSilent(): boolean {
    return this.#hearing.silentMs >= Math.min(silentMs, this.#timeoutMs / 2);
  }

  /** Whether a word was given in this boot, and not long before this wait. */
  #isRecent(wordAt: number): boolean {
    const { clock } = this.#world;
    const bootedAt = clock.now() - clock.steady();
    return wordAt >= bootedAt && wordAt >= this.#ctx.startedAt - wordAgeMs;
  }

  /** What Nova says where it can be asked; a Nova that is as silent as the cluster says nothing. */
  async #isHeldByNova(): Promise<boolean> {
    const { connect, clock } = this.#world;
    if (connect === null || this.#name === null) return false;
    const { host } = this.#name;
    try {
      const deadline = clock.now() + askNovaMs;
      const nova = await connect(deadline);
      const { matchHost } = await import('../../lib/evacuation/incident/names.ts');
      const services = await nova.listComputeServices({ deadline });
      const match = matchHost(services, host, this.#dnsDomain);
      const meant =
        match.kind === 'host'
          ? [match.service, ...match.twins]
          : services.filter((one) => match.kind === 'ambiguous' && match.candidates.includes(one.host));
      if (!meant.some(({ forcedDown }) => forcedDown)) return false;
      this.#words.say(`${host} waits for the cluster, as Nova holds it forced down and may be evacuating it`);
      return true;
    } catch (error) {
      rethrowUnless(error, NovaError);
      return false;
    }
  }

  /** Nobody will be there to take down what is shown. */
  async #endedBy(signal: EndSignal): Promise<number> {
    const why = this.#words.sentence;
    this.#ctx.exitReason(
      `wait was ended by ${signal} before nova-compute was known to be safe to start${why === null ? '' : `: ${why}`}`,
    );
    const node = this.#node;
    if (node !== null) {
      const { takeDownReturn } = await import('../../lib/evacuation/return/shown.ts');
      const tidied = takeDownReturn(this.#world.attributes, node).catch((error: unknown) =>
        rethrowUnless(error, AttrdError),
      );
      await Promise.race([tidied, this.#world.clock.sleep(tidyMs)]);
    }
    return endedBy[signal];
  }

  #remedy(): string {
    if (this.#hearing.saysNo) return 'crm_mon -A shows how far NovaEvacuate is';
    return `see that Pacemaker runs here and has quorum, or, once you know that none of its instances runs elsewhere, have nova-compute start all the same with: touch ${this.#clearance.word}`;
  }

  get #dnsDomain(): string | undefined {
    const { parameters } = this.#ctx;
    return parameters.given('domain') ? parameters.string('domain') : undefined;
  }
}

/** Starting it is what the caller does once this call returns. */
function toBeStartedByOthers(): LocalCompute {
  let mayStart = false;
  return {
    isRunning: async () => mayStart,
    start: async () => {
      mayStart = true;
    },
  };
}

/** On a machine where nothing was found to run (a call from within the container), the usual nova.conf is read. */
async function hostName(ctx: OcfContext, world: World, until: number): Promise<NovaHostName> {
  const found = await findNovaCompute(ctx, world, { until, surely: false });
  if ('kind' in found && found.kind === 'untold') throw found.trouble;
  const runtime =
    'kind' in found
      ? {
          configFiles: async () => ({
            files: ['/etc/nova/nova.conf'],
            directories: ['/etc/nova/nova.conf.d'],
          }),
        }
      : found.runtime;
  return (await readConf(runtime, world)).name;
}

/** Null: fencing this node finds this host, or nobody tells. Starting is safe all the same: a host that is not found is not evacuated. */
async function mismatchOf(world: World, node: NodeName, name: NovaHostName): Promise<string | null> {
  try {
    const plug = (await world.attributes.queryHostMap('fence_compute')).get(node) ?? null;
    return explainMismatch(node, plug, name);
  } catch (error) {
    rethrowUnless(error, AttrdError);
    return null;
  }
}

function seconds(args: readonly string[]): number | null {
  const [text = ''] = args;
  if (args.length !== 1 || !/^\d{1,5}$/.test(text) || Number(text) > longestSeconds) return null;
  return Number(text) * 1000;
}
