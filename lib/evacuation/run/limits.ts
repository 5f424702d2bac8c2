import { type ComputeService, NovaError, type NovaHost } from '@openstack-ts/nova-client';
import {
  AttrdError,
  type EvacuationModes,
  isPending,
  type MarkName,
  type MarkReading,
} from '../../attrd/index.ts';
import { rethrowUnless } from '../../rethrow.ts';
import { type AdmissionFacts, type Admissions, admit } from '../decide/admission.ts';
import { Turns } from '../decide/turns.ts';
import { incidentTime } from '../incident/incidentTime.ts';
import { hostOfMark } from '../incident/names.ts';
import { overdueAfterMs, pacing } from '../incident/pacing.ts';
import { isOpen } from '../look/records.ts';
import type { Ledger } from './ledger.ts';
import type { PassOptions } from './passOptions.ts';
import type { Gate, PassScope } from './passScope.ts';
import type { Proofs } from './proofs.ts';

type Options = Pick<PassOptions, 'limits' | 'readModes' | 'clock'>;

/** What is judged by, but for the operator's word. */
interface Known {
  readonly facts: Omit<AdmissionFacts, 'modes'>;
  /** Hosts that others work on, and whether anything of them is under way in Nova. */
  readonly elsewhere: ReadonlyMap<NovaHost, boolean>;
}

/** Where Nova's answers keep a round waiting, the operator's word is looked at this often, and read when it is so old; ms. */
export const wordsEveryMs = 5_000;
const wordsFreshMs = 8_000;

/** Limits and the operator's word, read anew at each round over the marks; and whose turn it is. */
export class Limits {
  readonly turns: Turns;
  readonly #options: Options;
  readonly #ledger: Ledger;
  /** As last judged. */
  #admissions: Admissions | null = null;
  #known: Known | null = null;
  /** Of the marks' hosts, as last told. */
  #services: ReadonlyMap<string, ComputeService> = new Map();
  #wordsReadAt = 0;
  /** Readings of the word, and the last one that counted: one that was slow counts no more. */
  #readings = 0;
  #counted = 0;
  /** Nova's names of the hosts of the marks. */
  #hosts: ReadonlyMap<MarkName, NovaHost> = new Map();

  constructor(options: Options, ledger: Ledger) {
    this.#options = options;
    this.#ledger = ledger;
    this.turns = new Turns(options.limits.maxHostsAtOnce);
  }

  /** Whether anything new may be asked for the host of a mark now. */
  gate(name: MarkName): Gate {
    const admission = this.#admissions?.hosts.get(name) ?? { kind: 'go', byWord: false };
    if (admission.kind === 'defer') return admission;
    const sentence = this.turns.sentence(this.#hosts.get(name) ?? hostOfMark(name));
    return sentence === null ? { kind: 'go', byWord: admission.byWord } : { kind: 'defer', sentence };
  }

  /**
   * What marks and limits mean for hosts, as the marks were at a time `at`.
   *
   * @param proofs which hosts of marks are certainly down, and which count as failed for now
   */
  async refresh(
    scope: PassScope,
    marks: readonly MarkReading[],
    at: number,
    proofs: Pick<Proofs, 'isProven' | 'countsAsFailed'>,
  ): Promise<void> {
    const { cloud, names, clock, nova } = scope;
    const { limits } = this.#options;
    const services = await cloud.services();
    const hosts = new Map<MarkName, ComputeService>();
    const readings = new Map(marks.map((reading) => [reading.name, reading]));
    for (const { name, mark } of marks) {
      if (!isPending(mark) || !proofs.countsAsFailed(name)) continue;
      // A list that lacks it for once (its cell does not answer) ends no limit and no pause.
      const service = names.serviceOf(services, name) ?? this.#services.get(name) ?? null;
      if (service !== null) hosts.set(name, service);
    }
    this.#services = hosts;
    // Fenced, whatever Nova says of them yet. One that was released since is no longer. What others work on takes no instances, and
    // that it is down is not known.
    const failed = [...hosts].map(([name, { host }]) => ({ host, isDown: proofs.isProven(name) }));
    cloud.setFailed(failed, at);
    const marked = marks.filter(({ mark }) => isPending(mark) || mark.kind === 'unknown');
    cloud.setMarked(marked.flatMap(({ name }) => names.hostsMeant(services, name)));
    const aggregates = await cloud.aggregates();
    const hostOf = (name: MarkName) => names.serviceOf(services, name)?.host ?? null;
    const evacuated = marks.filter(({ mark }) => mark.kind === 'no').map(({ name }) => hostOf(name));
    const pending = [...hosts].map(([name, service]) => {
      const { begun, firstSeen } = this.#ledger.hints(name);
      const reading = readings.get(name);
      const own = reading?.incident ?? null;
      const incident = reading === undefined ? null : names.incidentOf(services, marks, reading);
      const { clockOffsetMs } = nova;
      // Whoever reads it reads the same: an order that each clock makes anew has two evacuators wait for each other.
      const fencedAt =
        incident?.novaAt ??
        incident?.at ??
        incidentTime({ incident, service, firstSeen, now: clock.now(), clockOffsetMs });
      const isBegun = begun || own?.known.begun === true;
      return { name, host: service.host, fencedAt, begun: isBegun };
    });
    const { asked, elsewhere } = await this.#elsewhere(scope, marks, pending);
    const facts = {
      ...{ pending, services, aggregates, hostOf, limits },
      evacuated: new Set(evacuated.filter((host) => host !== null)),
    };
    this.#known = { facts, elsewhere };
    // Last of all: Nova's answers may take a minute.
    await this.#readWord();
    this.turns.lookedAt(asked);
    const [first] = hosts.keys();
    for (const remark of this.#admissions?.remarks ?? []) {
      if (first !== undefined) this.#ledger.once(first, remark, `${remark}.`);
    }
  }

  /** Reads the operator's word alone, where a round takes long. What the tools do not tell is left to the next time. */
  async heedWord(): Promise<void> {
    if (this.#known === null || this.#options.clock.now() - this.#wordsReadAt < wordsFreshMs) return;
    try {
      await this.#readWord();
    } catch (error) {
      rethrowUnless(error, AttrdError);
    }
  }

  async #readWord(): Promise<void> {
    this.#readings += 1;
    const reading = this.#readings;
    const at = this.#options.clock.now();
    const modes = await this.#options.readModes();
    if (reading < this.#counted) return;
    this.#counted = reading;
    this.#wordsReadAt = at;
    if (this.#known !== null) this.#judge(this.#known, modes);
  }

  #judge({ facts, elsewhere }: Known, modes: EvacuationModes): void {
    const admissions = admit({ ...facts, modes });
    this.#admissions = admissions;
    this.#hosts = new Map(facts.pending.map(({ name, host }) => [name, host]));
    if (!this.turns.isLimited) return;
    const hosts = facts.pending.map(({ host, name, fencedAt }) => {
      const admission = admissions.hosts.get(name);
      return {
        host,
        name,
        since: fencedAt,
        needsTurn: !(admission?.kind === 'go' && admission.byWord),
        deferred: admission?.kind === 'defer',
      };
    });
    this.turns.heed(hosts, elsewhere);
  }

  async #elsewhere(
    scope: PassScope,
    marks: readonly MarkReading[],
    pending: AdmissionFacts['pending'],
  ): Promise<{ readonly asked: readonly NovaHost[]; readonly elsewhere: ReadonlyMap<NovaHost, boolean> }> {
    const asked: NovaHost[] = [];
    const elsewhere = new Map<NovaHost, boolean>();
    if (!this.turns.isLimited) return { asked, elsewhere };
    const others = new Set(
      marks.filter(({ mark }) => mark.kind === 'claimed' && mark.who !== scope.me).map(({ name }) => name),
    );
    for (const { name, host } of pending) {
      if (this.turns.isJoined(host)) continue;
      // One that nobody had claimed when the marks were read may be another's by now, and what its predecessor asked for goes on.
      asked.push(host);
      const moves = await isMoving(scope, host);
      if (moves || others.has(name)) elsewhere.set(host, moves);
    }
    return { asked, elsewhere };
  }
}

/** Whether evacuations of a host that another evacuator works on are under way. It counts as such where Nova does not tell. */
async function isMoving({ nova, clock, callOptions }: PassScope, host: NovaHost): Promise<boolean> {
  const now = clock.now() + nova.clockOffsetMs;
  try {
    const changedSince = now - pacing.historyMs;
    const records = await nova.listEvacuations({ sourceHost: host, changedSince }, callOptions);
    const open = records.filter(isOpen);
    return open.some(({ createdAt }) => now - createdAt < overdueAfterMs(open.length));
  } catch (error) {
    rethrowUnless(error, NovaError);
    return true;
  }
}
