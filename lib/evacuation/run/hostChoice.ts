import type { ComputeService, NovaHost } from '@openstack-ts/nova-client';
import { type MarkName, type MarkReading, noCommand } from '../../attrd/index.ts';
import type { NodesReading } from '../../cluster/index.ts';
import { type HostMatch, isSameHost } from '../incident/names.ts';
import { pacing } from '../incident/pacing.ts';
import { mayBeLeftOut } from '../look/unlisted.ts';
import type { OurMark, OurMarks } from './claimedMarks.ts';
import type { Ledger } from './ledger.ts';
import type { LeftAlone } from './leftAlone.ts';
import type { PassOptions } from './passOptions.ts';
import type { MarkedHost, PassScope } from './passScope.ts';
import type { Proofs } from './proofs.ts';

/** What Nova and the cluster say of their hosts. */
export interface World {
  readonly services: readonly ComputeService[];
  readonly nodes: NodesReading;
}

/** A marked host, as far as its mark and Nova's services tell. */
export type Found = Omit<MarkedHost, 'name' | 'hints' | 'twins'>;

/** A host to be evacuated, with the names its mark is kept under; the first is the one it is worked on by. */
export interface Candidate extends Found {
  readonly names: [MarkName, ...MarkName[]];
  /** Other services that may be the same machine, down as well: evacuated after it, if they have instances. */
  readonly twins: ComputeService[];
}

/** Which hosts the marks of a round mean. */
export interface Chosen {
  readonly hosts: readonly Candidate[];
  /** Other names of hosts that are worked on already. */
  readonly joining: readonly { readonly name: MarkName; readonly host: NovaHost }[];
  /** When one that is not certain yet has to be looked at again; null: there is none. */
  readonly lookAt: number | null;
}

/** Which hosts the marks mean, and which of them may be evacuated: each once, whatever names it is marked under. */
export class HostChoice {
  readonly #clock: PassOptions['clock'];
  readonly #ledger: Ledger;
  readonly #proofs: Proofs;
  readonly #leftAlone: LeftAlone;

  constructor(clock: PassOptions['clock'], ledger: Ledger, proofs: Proofs, leftAlone: LeftAlone) {
    this.#clock = clock;
    this.#ledger = ledger;
    this.#proofs = proofs;
    this.#leftAlone = leftAlone;
  }

  /**
   * @param all marks
   * @param isWorkedOn whether this pass works on a host, by Nova's name
   * @param lookAgainMs after which one that is not certain is looked at again
   */
  async choose(
    scope: PassScope,
    { mine, deferred }: OurMarks,
    { services, nodes }: World,
    all: readonly MarkReading[],
    isWorkedOn: (host: NovaHost) => boolean,
    lookAgainMs: number,
  ): Promise<Chosen> {
    const hosts: Candidate[] = [];
    const joining: { readonly name: MarkName; readonly host: NovaHost }[] = [];
    let lookAt: number | null = null;
    for (const { reading, quietUntil } of [...mine].sort(byName)) {
      const { name } = reading;
      const match = scope.names.match(services, name);
      if (match.kind !== 'host') {
        await this.#refuse(scope, name, services, match);
        continue;
      }
      if (this.#isOthers(scope, name, match, services, deferred)) {
        lookAt = this.#clock.now() + lookAgainMs;
        continue;
      }
      const proof = await this.#proofs.prove(scope, name, match.service, match.twins, nodes);
      if (proof.kind !== 'ok') {
        if (proof.kind === 'stale') this.#leftAlone.leave([name]);
        const isFirst = proof.kind === 'untold' && this.#proofs.isFirstUntold;
        lookAt = this.#clock.now() + (isFirst ? pacing.untoldPauseMs : lookAgainMs);
        continue;
      }
      const [service = match.service, ...twins] = proof.services;
      // The same host under two names (a mark by hand, an older cluster): one evacuation, both marks.
      const same = hosts.find((other) => haveCommon([service, ...twins], [other.service, ...other.twins]));
      const worked = proof.services.find(({ host }) => isWorkedOn(host));
      if (same !== undefined) addName(same, name, proof.services);
      else if (worked !== undefined && proof.services.every(({ host }) => isWorkedOn(host))) {
        joining.push({ name, host: worked.host });
      } else if (worked !== undefined) {
        // What is worked on is only a part of what this mark means: the end of that must not end this one.
        const sentence = `Deferring the evacuation of ${name}: ${worked.host}, which may be the same machine, is being evacuated first.`;
        this.#ledger.defer(name, 'working', sentence);
        this.#ledger.once(name, 'twin', sentence);
        lookAt = this.#clock.now() + lookAgainMs;
      } else {
        const { incident, transient, mark } = reading;
        const failure = scope.names.incidentOf(services, all, reading);
        const claimForgotten = transient.kind === 'none';
        const lastSign = mark.kind === 'claimed' ? mark.at * 1000 : null;
        const own = { incident, failure, service, twins, quietUntil, lastSign, claimForgotten };
        hosts.push({ names: [name], ...own });
      }
    }
    return { hosts, joining, lookAt };
  }

  /** Whether another evacuator is at work on the host under another name, or on one that may be the same machine. */
  #isOthers(
    { names }: PassScope,
    name: MarkName,
    { service, twins }: Extract<HostMatch, { kind: 'host' }>,
    services: readonly ComputeService[],
    deferred: readonly MarkName[],
  ): boolean {
    const other = deferred.find((each) => {
      const match = names.match(services, each);
      return match.kind === 'host' && haveCommon([service, ...twins], [match.service, ...match.twins]);
    });
    if (other === undefined) return false;
    const sentence = `Deferring the evacuation of ${name}: it is the host of ${other}, which another evacuator is at work on.`;
    this.#ledger.defer(name, 'working', sentence);
    this.#ledger.once(name, 'claim', sentence);
    return true;
  }

  /** Says which name it is that means no host, or several; and whether that can be believed. */
  async #refuse(
    { nova, callOptions }: PassScope,
    name: MarkName,
    services: readonly ComputeService[],
    match: Exclude<HostMatch, { kind: 'host' }>,
  ): Promise<void> {
    const untold = match.kind === 'unknown' ? await mayBeLeftOut(nova, services, name, callOptions) : null;
    if (untold === null) this.#leftAlone.leave([name]);
    else this.#leftAlone.rest([name]);
    const sentence =
      untold === null
        ? `${match.sentence} Its mark is kept; correct the name, or remove the mark with: ${noCommand(name)}`
        : `${name} is not evacuated yet: ${untold.sentence}; its mark is kept and the next pass looks again (${untold.remedy}).`;
    this.#ledger.once(name, 'match', sentence);
    this.#ledger.note(name, 'troubled', sentence);
  }
}

function haveCommon(some: readonly ComputeService[], others: readonly ComputeService[]): boolean {
  return some.some(({ host }) => others.some((other) => isSameHost(other.host, host)));
}

/** What the other name means besides belongs to the same machine as well. */
function addName(candidate: Candidate, name: MarkName, services: readonly ComputeService[]): void {
  candidate.names.push(name);
  const known = [candidate.service, ...candidate.twins];
  candidate.twins.push(...services.filter(({ id }) => !known.some((one) => one.id === id)));
}

/** The first of a host's names decides whose it is, so every controller takes the same for it: one that has an incident. */
function byName({ reading: one }: OurMark, { reading: other }: OurMark): number {
  const rank = ({ incident, name }: MarkReading) => `${incident === null ? 1 : 0} ${name}`;
  return rank(one) < rank(other) ? -1 : 1;
}
