import type { ComputeService, NovaHost } from '@openstack-ts/nova-client';
import type { MarkName, MarkReading } from '../../attrd/index.ts';
import type { NodesReading } from '../../cluster/index.ts';
import { fencedAt } from '../incident/disabledReason.ts';
import { isSameHost, markOfHost } from '../incident/names.ts';
import { pacing } from '../incident/pacing.ts';
import { nextSigns } from '../look/returnSigns.ts';
import { type ReleaseCandidates, releaseCandidates } from '../return/releaseCandidates.ts';
import type { ReleaseOutcome } from '../return/releaseScope.ts';
import { walkRelease } from '../return/releaseWalk.ts';
import { mishap } from '../tell/mishap.ts';
import { waitText } from '../tell/waitText.ts';
import { type HostHints, newHostHints } from './hints.ts';
import type { Ledger } from './ledger.ts';
import type { PassOptions } from './passOptions.ts';
import type { PassScope } from './passScope.ts';
import type { Running } from './running.ts';

/** How often a pass asks about a release when the cluster does not tell: unlike a mark it can wait for the next one. */
const untoldReleaseLooks = 2;

type Options = Pick<
  PassOptions,
  | 'release'
  | 'readActive'
  | 'clock'
  | 'log'
  | 'marks'
  | 'readFencing'
  | 'hints'
  | 'report'
  | 'showProgress'
  | 'clearProgress'
>;

/** The releases of a pass: hosts that were evacuated and are back, taken back into service from here. */
export class Releases {
  readonly #options: Options;
  readonly #readNodes: () => Promise<NodesReading>;
  readonly #ledger: Ledger;
  readonly #running: Running;
  /** When each release was last taken up, or ended, by this pass. */
  readonly #releasedAt = new Map<NovaHost, number>();
  /** Names whose release is being walked. */
  readonly #releasing = new Set<MarkName>();
  /** How often in a row the cluster has not told what its nodes are. */
  #untoldLooks = 0;

  constructor(options: Options, readNodes: () => Promise<NodesReading>, ledger: Ledger, running: Running) {
    this.#options = options;
    this.#readNodes = readNodes;
    this.#ledger = ledger;
    this.#running = running;
  }

  /**
   * Starts on every release that is ours to walk and was not walked a moment ago; when the cluster did not tell and is to
   * be asked again, else null.
   *
   * @param connected asked for only where there is something to release
   * @param pauseMs after which the release of a host is walked again
   */
  async takeUp(
    marks: readonly MarkReading[],
    connected: () => Promise<PassScope>,
    pauseMs: number,
  ): Promise<number | null> {
    const { release, readActive, clock } = this.#options;
    const candidates = await releaseCandidates(marks, release, { readNodes: this.#readNodes, readActive });
    if (!candidates.known) return this.#untold(candidates);
    this.#untoldLooks = 0;
    for (const { name } of candidates.marks) {
      const scope = await connected();
      // A host that bears a mark under two names is released once, with both.
      const host = await scope.names.hostOf(name);
      const lastAt = this.#releasedAt.get(host) ?? Number.NEGATIVE_INFINITY;
      if (this.#running.has(`release of ${host}`) || clock.now() - lastAt < pauseMs) continue;
      this.#run(scope, name, host, marks);
    }
    return null;
  }

  /** Lets one release run. Its failure is an outcome, and ends no other's. */
  #run(scope: PassScope, name: MarkName, host: NovaHost, marks: readonly MarkReading[]): void {
    const { clock } = this.#options;
    this.#releasedAt.set(host, clock.now());
    this.#releasing.add(name);
    const running = this.#walk(scope, name, marks).catch((error: unknown) => {
      const why = mishap(error, this.#options.log);
      const sentence = `${name} waits for its release: ${why}; the next pass goes on.`;
      this.#ledger.note(name, 'troubled', sentence);
    });
    this.#running.add(`release of ${host}`, running, () => {
      this.#releasing.delete(name);
      this.#releasedAt.set(host, clock.now());
    });
  }

  /** No release is begun; those that are under way go on. */
  #untold(untold: Extract<ReleaseCandidates, { known: false }>): number | null {
    const { marks, question, sentence, remedy, lasting } = untold;
    for (const { name } of marks) {
      if (this.#releasing.has(name)) continue;
      this.#ledger.defer(
        name,
        'troubled',
        `${name} waits for its release, as the cluster does not tell ${question}: ${sentence}; the next pass asks again (${remedy}).`,
      );
    }
    this.#untoldLooks += 1;
    if (lasting || this.#untoldLooks >= untoldReleaseLooks) return null;
    return this.#options.clock.now() + pacing.untoldPauseMs;
  }

  async #walk(scope: PassScope, name: MarkName, all: readonly MarkReading[]): Promise<void> {
    const { log, marks, clock, readFencing } = this.#options;
    const { cloud, nova, callOptions, names, reportBy } = scope;
    const host = await names.hostOf(name);
    // One that waits under another name of the same host counts as well.
    const hosts = await Promise.all(all.map((reading) => names.hostOf(reading.name)));
    const sameHost = all
      .filter((_, index) => isSameHost(hosts[index] ?? null, host))
      .map((reading) => reading.name);
    const hint = this.#ledger.hints(name);
    // What the service's reason tells goes away with the release.
    let incidentAt: number | null = null;
    const show = ({ sentence }: { readonly sentence: string }) => this.#show(name, hint, sentence);
    const outcome = await walkRelease(
      { nova, marks, clock, log, callOptions, show, readFencing, nodesOf: (each) => names.nodesOf(each) },
      {
        host,
        names: [...new Set([name, markOfHost(host), ...sameHost])],
        service: async () => {
          await cloud.services(0);
          const service = cloud.service(host) ?? null;
          if (service !== null) incidentAt = fencedAt(service) ?? incidentAt;
          return service;
        },
        compute: async (service) => lookedAt(hint, service),
        notes: hint,
        start: async () => false,
      },
      () => reportBy,
    );
    cloud.forgetServices();
    await this.#tell(name, host, hint, outcome, () => incidentAt ?? hint.firstSeen);
  }

  async #show(name: MarkName, { said }: HostHints, sentence: string): Promise<void> {
    const { log, clock, showProgress } = this.#options;
    const next = waitText(sentence, said['release'] ?? '', clock.now());
    if (next.isNew) log.info(`${sentence}.`);
    if (said['release'] === next.text) return;
    said['release'] = next.text;
    await showProgress(name, next.text);
  }

  async #tell(
    name: MarkName,
    host: NovaHost,
    hint: HostHints,
    outcome: ReleaseOutcome,
    incidentAt: () => number,
  ): Promise<void> {
    const { log, clock, hints, report, clearProgress } = this.#options;
    if (outcome.kind === 'released') {
      if (outcome.sentence !== null) log.notice(outcome.sentence, { host });
      report.event({
        about: 'host',
        at: clock.now(),
        host,
        fencedAt: incidentAt(),
        what: 'released',
        sentence: outcome.sentence ?? `${host} is back in service`,
      });
      // What is left shown is taken down once no mark is left, for as long as this node remembers it.
      if (await clearProgress(name)) hints.delete(name);
      else hints.set(name, newHostHints(0));
      if (outcome.troubled) this.#ledger.note(name, 'troubled', outcome.sentence ?? '');
      else this.#ledger.close(name);
      return;
    }
    const { sentence } = waitText(outcome.sentence, hint.said['release'] ?? '', clock.now());
    if (outcome.kind === 'troubled') await this.#show(name, hint, outcome.sentence);
    this.#ledger.note(name, outcome.kind === 'troubled' ? 'troubled' : 'working', `${sentence}.`);
  }
}

/** One heartbeat is enough here: nothing is started, and Nova itself says whether the host is up. */
function lookedAt(hint: HostHints, service: ComputeService | null): 'running' | 'silent' {
  if (service === null) return 'silent';
  hint.signs = nextSigns(hint.signs, '', service);
  return hint.signs.heartbeats > 0 ? 'running' : 'silent';
}
