import type { ComputeService } from '@openstack-ts/nova-client';
import { type MarkName, markOfNode, nodeOfMark } from '../../attrd/index.ts';
import {
  type ClusterNode,
  type Fencing,
  mayRun,
  type NodesReading,
  nodesMeant,
} from '../../cluster/index.ts';
import { judgeProof, type Proof, type ProofFacts } from '../judge/proof.ts';
import type { Ledger } from './ledger.ts';
import type { PassOptions } from './passOptions.ts';
import type { PassScope } from './passScope.ts';

/** What is shown of a host that is not evacuated yet (`crm_mon -A`). */
const shownTexts = {
  stale: 'not evacuated: it bears a mark but runs',
  look: 'waiting for proof that it is down',
} as const;
const untoldTexts = {
  cluster: 'waiting: the cluster does not tell whether it is down',
  nova: 'waiting: Nova does not tell whether it is down',
} as const;

/** `services`: what the mark means in Nova, all of it down. */
export type Proven =
  | { readonly kind: 'ok'; readonly services: readonly ComputeService[] }
  | { readonly kind: Exclude<Proof['kind'], 'ok'> };

/** Which marked hosts are certainly down: nothing is done to any other. */
export class Proofs {
  readonly #options: Pick<PassOptions, 'readFencing' | 'clock'>;
  readonly #ledger: Ledger;
  /** Names of hosts that are certainly down. */
  readonly #proven = new Set<MarkName>();
  /** Names of hosts that others work on. */
  readonly #others = new Set<MarkName>();
  /** How often in a row the cluster has not told what its nodes are: for how long evacuations wait. */
  #untoldLooks = 0;

  constructor(options: Pick<PassOptions, 'readFencing' | 'clock'>, ledger: Ledger) {
    this.#options = options;
    this.#ledger = ledger;
  }

  isProven(name: MarkName): boolean {
    return this.#proven.has(name);
  }

  /** Another evacuator is at work on it, or its claim says so: that it has seen a proof is not known, and a claim is none. */
  leaveToAnother(name: MarkName): void {
    this.#others.add(name);
  }

  /** Whether the host of a mark counts as one that failed: where limits are drawn, and where no instance is sent. */
  countsAsFailed(name: MarkName): boolean {
    return this.#proven.has(name) || this.#others.has(name);
  }

  /** What the cluster answered about its nodes, on which the next proofs rest. */
  heed(nodes: NodesReading): void {
    this.#untoldLooks = nodes.known ? 0 : this.#untoldLooks + 1;
  }

  /** Whether the cluster has failed to tell for the first time: a tool may fail once. */
  get isFirstUntold(): boolean {
    return this.#untoldLooks === 1;
  }

  /**
   * Whether a mark may be acted on; what speaks against it is named. Of a service with twins each has to be down, as what one
   * of them holds may run on the machine that reports under the other; but a twin that reports although the one that bears
   * the name does not is another machine, and left alone.
   *
   * @param twins services that may be the same machine
   */
  async prove(
    scope: PassScope,
    name: MarkName,
    service: ComputeService,
    twins: readonly ComputeService[],
    nodes: NodesReading,
  ): Promise<Proven> {
    const own = judgeProof(await this.#look(scope, name, service, nodes, twins.length > 0));
    let worst = own;
    const together = [service];
    for (const twin of own.kind === 'ok' ? twins : []) {
      const proof = judgeProof(await this.#look(scope, name, twin, nodes, true));
      if (proof.kind === 'ok') together.push(twin);
      else if (proof.kind !== 'stale') worst = proof;
      else this.#ledger.once(name, `twin ${twin.host}`, anotherMachine(service, twin));
    }
    if (worst.kind === 'ok') {
      this.#proven.add(name);
      return { kind: 'ok', services: together };
    }
    this.#proven.delete(name);
    await this.#tell(name, worst);
    return { kind: worst.kind };
  }

  async #look(
    { cloud, names, nova }: PassScope,
    name: MarkName,
    service: ComputeService,
    reading: NodesReading,
    hasTwins: boolean,
  ): Promise<ProofFacts> {
    const { readFencing, clock } = this.#options;
    const { firstSeen } = this.#ledger.hints(name);
    const services = await cloud.services();
    // The mark may be kept under Nova's name of the host; the cluster's memory goes by its node.
    const isThis = (one: ClusterNode) =>
      names.serviceOf(services, markOfNode(one.name))?.host === service.host;
    const these = reading.known
      ? [...new Set([...nodesMeant(name, reading.nodes), ...reading.nodes.filter(isThis)])]
      : [];
    const node = !reading.known ? reading : these.some(mayRun) ? 'mayRun' : 'offline';
    // Nobody asks the fencers about a host that Nova calls down; and that a node was fenced does not tell which of two
    // services it was.
    const fencing: Fencing =
      reading.known && service.state !== 'down' && !hasTwins
        ? await readFencing(these.find(mayRun)?.name ?? these[0]?.name ?? nodeOfMark(name))
        : { known: false, lastSuccess: null, pending: false };
    const { clockOffsetMs } = nova;
    return { name, service, node, fencing, firstSeen, now: clock.now(), clockOffsetMs };
  }

  async #tell(name: MarkName, proof: Exclude<Proof, { kind: 'ok' }>): Promise<void> {
    const ledger = this.#ledger;
    const sentence = `${proof.sentence}.`;
    if (proof.kind === 'untold') {
      // Asked again in a moment, and by the next pass. A tool that fails once is not worth a line.
      ledger.defer(name, 'troubled', sentence);
      if (proof.by === 'cluster' && this.#untoldLooks < 2) return;
    }
    ledger.once(name, 'proof', sentence);
    await ledger.showOnce(name, proof.kind === 'untold' ? untoldTexts[proof.by] : shownTexts[proof.kind]);
    // One that is certain is judged anew by the next pass only.
    if (proof.kind === 'stale') ledger.note(name, 'troubled', sentence);
    else if (proof.kind === 'look') ledger.defer(name, 'working', sentence);
  }
}

function anotherMachine(service: ComputeService, twin: ComputeService): string {
  return `${twin.host} might be the same machine as ${service.host} by its name, but its nova-compute reports to Nova: it is taken for another one and left alone.`;
}
