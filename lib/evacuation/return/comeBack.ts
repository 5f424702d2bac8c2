import { type CallOptions, type NovaClient, NovaError } from '@openstack-ts/nova-client';
import {
  AttrdError,
  formatMark,
  isPending,
  type MarkName,
  type MarkReading,
  type MarkStore,
  markOfNode,
  noCommand,
} from '../../attrd/index.ts';
import { doubtOfOwnView, type NodesReading } from '../../cluster/index.ts';
import { rethrowUnless } from '../../rethrow.ts';
import { markOfHost, marksOf, matchHost, serviceNamed } from '../incident/names.ts';
import { inOneSpelling } from '../look/spelling.ts';
import type { LocalCompute } from './localCompute.ts';
import { areTrusted, by, standsInTheWay } from './marksOfReturn.ts';
import type { ReleaseOutcome } from './releaseScope.ts';
import { walkRelease } from './releaseWalk.ts';
import { Shown, type ShownScope } from './shown.ts';

/** How often the marks are read while they are waited for, in ms. */
const markPollMs = 2_000;
/** The first pause before Nova, or the cluster, is asked again, and the last, in ms. */
const firstPauseMs = 1_000;
const lastPauseMs = 5_000;
/** Nova and Keystone may take this long for an answer, repetitions included: nova-compute may have to start without. */
const answerMs = 15_000;
const leastAnswerMs = 1_000;

/** The way back of one host, walked on the host itself. */
export interface ComeBackOptions extends ShownScope {
  readonly dnsDomain: string | undefined;
  readonly marks: MarkStore;
  /** The cluster's nodes as this one sees them; asked where no mark stands in the way of a start. */
  readonly readNodes: () => Promise<NodesReading>;
  /** Logs in to Nova; not called where the host was never fenced. Throws `NovaError`. Null: no login was configured. */
  readonly connect: ((deadline: number) => Promise<NovaClient>) | null;
  readonly compute: LocalCompute;
  /** nova-compute is not started later than this, in ms since the epoch. */
  readonly startBy: number;
  /** Once nova-compute runs, the release is waited for this long, in ms; the rest is left to whoever comes next. */
  readonly releaseMs: number;
  /** Hard end of everything, in ms since the epoch. */
  readonly deadline: number;
  readonly listener?: ComeBackListener;
}

/** Told at each look what the way back learns. */
export interface ComeBackListener {
  /** The cluster, or Nova, has told of marks and evacuations; whether one stands in the way. */
  heardMarks(inTheWay: boolean): void;
  heardFlights(inFlight: boolean): void;
  waitsFor(sentence: string): void;
}

export type ComeBackOutcome =
  /**
   * nova-compute runs and nothing is owed any more. The sentence says what was done; null when nothing was.
   * `troubled`: instances stay on the host that do not run and need somebody to look at them. `leftShown`: what its node shows of
   * the return could not be taken down; another call does it.
   */
  | {
      readonly kind: 'released';
      readonly sentence: string | null;
      readonly troubled: boolean;
      readonly leftShown: boolean;
    }
  /** nova-compute runs; Nova does not use the host again yet. Says what is waited for, and since when. */
  | { readonly kind: 'owed'; readonly sentence: string }
  /** nova-compute was not started, because that is not known to be safe. Says why. */
  | { readonly kind: 'unsafe'; readonly sentence: string };

/**
 * Brings a host back: waits until no evacuation of its instances can be in flight, starts its nova-compute while Nova
 * still holds it forced down, and walks the release (`release.ts`) as far as the time allows. Where the host was never
 * fenced, nova-compute is started at once and Nova is not asked. May be called again at any point, by anyone.
 * Throws `ComputeError` of `options.compute`; trouble with the cluster or with Nova is an outcome.
 */
export async function comeBack(options: ComeBackOptions): Promise<ComeBackOutcome> {
  return new ComeBack(options).run();
}

class ComeBack {
  readonly #options: ComeBackOptions;
  readonly #names: readonly MarkName[];
  readonly #callOptions: CallOptions;
  readonly #shown: Shown;
  /** When nova-compute was seen running for the first time. */
  #runsSince: number | null = null;
  /** Whether nova-compute may start even if Nova cannot be asked. */
  #mayStartAnyway = false;
  /** Nova has told of an evacuation in flight when it was last heard: that goes before any word of the mark. */
  #sawInFlight = false;
  /** The last thing that stood in the way. */
  #sentence: string;

  constructor(options: ComeBackOptions) {
    this.#options = options;
    this.#shown = new Shown(options);
    this.#names = [...new Set([markOfNode(options.node), markOfHost(options.host)])];
    const answerBy = () => this.#answerBy();
    this.#callOptions = {
      get deadline() {
        return answerBy();
      },
    };
    this.#sentence = `${options.host} could not be brought back in the time there was`;
  }

  async run(): Promise<ComeBackOutcome> {
    const outcome = await this.#walk();
    // One that still waits will be called again, and its pulse must not seem to end meanwhile.
    if (outcome.kind === 'unsafe') return outcome;
    // Who only asked whether nova-compute may be started will not be there to take down what is shown.
    const isOver = outcome.kind === 'released' || this.#options.releaseMs === 0;
    const [hasEnded, isHidden] = await Promise.all([
      this.#shown.endPulse(),
      isOver ? this.#shown.hide() : Promise.resolve(false),
    ]);
    return outcome.kind === 'released' ? { ...outcome, leftShown: !hasEnded || !isHidden } : outcome;
  }

  async #walk(): Promise<ComeBackOutcome> {
    const { clock } = this.#options;
    for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, lastPauseMs)) {
      const attempt = await this.#attemptWalk();
      if (attempt !== 'again') return attempt;
      if (clock.now() + pause >= this.#until()) return this.#outOfTime();
      await clock.sleep(pause);
    }
  }

  /** One attempt from the beginning; `again` when the cluster or Nova failed in passing. */
  async #attemptWalk(): Promise<ComeBackOutcome | 'again'> {
    const { compute } = this.#options;
    if (await compute.isRunning()) this.#runsSince ??= this.#options.clock.now();
    let mark: 'none' | 'no' | 'late';
    let trusted: boolean;
    try {
      ({ mark, trusted } = await this.#waitForMark());
    } catch (error) {
      rethrowUnless(error, AttrdError);
      await this.#wait(this.#untold(said(error)));
      return 'again';
    }
    if (mark === 'late') return this.#outOfTime();
    if (mark === 'none') {
      if (!(await this.#start())) return this.#outOfTime();
      return { kind: 'released', sentence: null, troubled: false, leftShown: false };
    }
    this.#mayStartAnyway = trusted && !this.#sawInFlight;
    const outcome = await this.#release();
    if (outcome.kind === 'released') return { ...outcome, leftShown: false };
    if (this.#options.connect !== null || !trusted) await this.#wait(outcome.sentence);
    // Evacuated and nothing in flight: that is what the permanent copy says, whether Nova can be asked or not.
    if (outcome.kind === 'troubled' && trusted && !this.#sawInFlight) await this.#start();
    return outcome.kind === 'waiting' && this.#runsSince !== null ? this.#outOfTime() : 'again';
  }

  /**
   * Waits until no mark says any more that the host is to be evacuated, as far as the cluster as a whole knows; meanwhile it
   * shows that this machine is back, so that NovaEvacuate, which alone decides about such a mark, can take that into account.
   */
  async #waitForMark(): Promise<{ mark: 'none' | 'no' | 'late'; trusted: boolean }> {
    const { clock, readNodes, node, connect } = this.#options;
    // Mostly nothing stands in the way, and a boot waits for this: the first time both are asked at once.
    for (let asked: Promise<NodesReading> | null = readNodes(); ; asked = null) {
      let readings = await this.#readMarks();
      if (!readings.some(standsInTheWay)) {
        const doubt = doubtOfOwnView(await (asked ?? readNodes()), node);
        // What was read before the cluster could be believed may be from before this node was fenced.
        if (doubt === null) readings = await this.#readMarks();
        if (doubt === null && !readings.some(standsInTheWay)) {
          return {
            mark: readings.length === 0 ? 'none' : 'no',
            trusted: areTrusted(readings, connect !== null),
          };
        }
        if (doubt !== null) await this.#wait(this.#untold(doubt));
      }
      await this.#showWhatStands(readings);
      await this.#shown.pulse();
      if (clock.now() + markPollMs >= this.#until()) return { mark: 'late', trusted: false };
      await clock.sleep(markPollMs);
    }
  }

  async #readMarks(): Promise<readonly MarkReading[]> {
    const { marks } = await this.#options.marks.readAll();
    const readings = marksOf(marks, this.#names);
    this.#options.listener?.heardMarks(readings.some(standsInTheWay));
    return readings;
  }

  async #showWhatStands(readings: readonly MarkReading[]): Promise<void> {
    const { host } = this.#options;
    const unknown = readings.find(({ mark }) => mark.kind === 'unknown');
    const pending = readings.find(({ mark }) => isPending(mark));
    if (unknown !== undefined) {
      await this.#wait(
        `${host} waits for somebody to correct its mark, which reads "${formatMark(unknown.mark)}" (once it is evacuated: ${noCommand(unknown.name)})`,
      );
    } else if (pending !== undefined) {
      await this.#wait(`${host} waits for NovaEvacuate to evacuate it${by(pending)}`);
    }
  }

  #untold(why: string): string {
    return `${this.#options.host} waits for the cluster to tell whether it is being evacuated: ${why}`;
  }

  /** Walks the release with Nova. What Nova refuses or does not answer is an outcome. */
  async #release(): Promise<ReleaseOutcome> {
    const { connect, clock, compute, dnsDomain, host, log, marks } = this.#options;
    if (connect === null) {
      const sentence = `${host} waits for its release, which this call has no login to Nova for`;
      return { kind: 'troubled', sentence };
    }
    try {
      const nova = inOneSpelling(await connect(this.#answerBy()));
      const services = await nova.listComputeServices(this.#callOptions);
      const match = matchHost(services, host, dnsDomain);
      if (match.kind === 'ambiguous') return { kind: 'troubled', sentence: match.sentence };
      const name = match.kind === 'host' ? match.service.host : host;
      const find = async () => {
        const list = await nova.listComputeServices(this.#callOptions);
        return serviceNamed(list, name) ?? null;
      };
      return await walkRelease(
        {
          nova,
          marks,
          clock,
          log,
          callOptions: this.#callOptions,
          show: ({ for: what, sentence }) => {
            this.#sawInFlight = what === 'evacuations';
            this.#options.listener?.heardFlights(this.#sawInFlight);
            return this.#wait(sentence);
          },
        },
        {
          host: name,
          names: [...new Set([...this.#names, markOfHost(name)])],
          service: find,
          compute: async () => ((await compute.isRunning()) ? 'running' : 'held'),
          // Who only asked whether it may be started does the rest elsewhere.
          start: async () => (await this.#start()) && this.#options.releaseMs > 0,
        },
        () => this.#until(),
      );
    } catch (error) {
      rethrowUnless(error, NovaError, AttrdError);
      return { kind: 'troubled', sentence: `${host} waits for its release: ${said(error)}` };
    }
  }

  /** Starts nova-compute unless it runs; false when there is no time left for it. */
  async #start(): Promise<boolean> {
    const { clock, compute, log, host, startBy } = this.#options;
    if (this.#runsSince === null && !(await compute.isRunning())) {
      if (clock.now() >= startBy) return false;
      log.info(`Starting nova-compute on ${host}`);
      await compute.start();
    }
    this.#runsSince ??= clock.now();
    return true;
  }

  /** Until when something may still be waited for: before nova-compute runs for that, after it for the release. */
  #until(): number {
    const { deadline, startBy, releaseMs } = this.#options;
    const end = this.#runsSince === null ? startBy : this.#runsSince + releaseMs;
    return Math.min(deadline, end);
  }

  /** When an answer of Nova or Keystone is given up: where nova-compute may start without, in time for that. */
  #answerBy(): number {
    const { clock, deadline, startBy } = this.#options;
    const now = clock.now();
    const isHeld = this.#runsSince === null && this.#mayStartAnyway;
    const patience = isHeld ? Math.max(leastAnswerMs, (startBy - now) / 2) : answerMs;
    return Math.min(deadline, now + Math.min(answerMs, patience));
  }

  #outOfTime(): ComeBackOutcome {
    return { kind: this.#runsSince === null ? 'unsafe' : 'owed', sentence: `${this.#sentence}.` };
  }

  /** Says what is waited for; the last thing said is what stands in the way. */
  async #wait(sentence: string): Promise<void> {
    this.#options.listener?.waitsFor(sentence);
    this.#sentence = await this.#shown.wait(sentence);
  }
}

function said(error: Error): string {
  return error.message.replace(/\.$/, '');
}
