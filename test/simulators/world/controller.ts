import { AttrdError, type NodeName, nodeName } from '../../../lib/attrd/index.ts';
import {
  formatHints,
  type PassOptions,
  type PassOutcome,
  parseHints,
  parsePolicy,
  readPulses,
  runPass,
  takeDownReturn,
  Watches,
} from '../../../lib/evacuation/index.ts';
import { rethrowUnless } from '../../../lib/rethrow.ts';
import type { Site } from './site.ts';
import type { Process } from './virtualTime.ts';

const noWord = { cluster: 'normal', nodes: new Map(), transient: new Set<NodeName>(), unknown: [] } as const;

/** How NovaEvacuate is configured. */
export interface Configuration {
  readonly concurrency: number;
  readonly earlyReturn: 'release' | 'evacuate';
  readonly release: 'auto' | 'on' | 'off';
  readonly evacuateDelayMs: number;
  readonly noSharedStorage: boolean;
  readonly dnsDomain: string | undefined;
  readonly policy: Parameters<typeof parsePolicy>[0];
  readonly limits: PassOptions['limits'];
  /** Does not hear the operator's word: broken on purpose. */
  readonly isDeaf?: boolean;
  /** The monitor's timeout. */
  readonly timeoutMs: number;
}

/** A controller that NovaEvacuate runs on. */
export class Controller {
  readonly name: string;
  readonly #site: Site;
  readonly #me: string;
  /** The file of hints, as the last pass left it. */
  hints = '';
  #locked = false;
  /** Nodes on which the agent could not take down what is shown of a return: the next monitor does it. */
  readonly #leftShown = new Set<string>();

  /** `me`: as it stands in claims. */
  constructor(site: Site, name: string, me = name) {
    this.#site = site;
    this.name = name;
    this.#me = me;
  }

  /**
   * One monitor; null when it was not begun (another holds the lock), or was killed. `more`: what it is given instead of
   * what the site has.
   */
  async monitor(
    configuration: Configuration,
    tell: (line: string) => void,
    begun: (process: Process, killed: () => void) => void = () => undefined,
    more: Partial<PassOptions> = {},
  ): Promise<PassOutcome | null> {
    if (this.#locked) return null;
    this.#locked = true;
    const site = this.#site;
    const process = site.newProcess(this.name);
    let kill: (nothing: null) => void = () => undefined;
    const death = new Promise<null>((resolve) => {
      kill = resolve;
    });
    begun(process, () => {
      process.kill();
      kill(null);
    });
    const outcome = await Promise.race([this.#monitor(process, configuration, tell, more), death]);
    this.#locked = false;
    // Of one that was killed the last result is shown on.
    if (outcome !== null) site.shown.set('exit reason of NovaEvacuate', outcome.sentence ?? '');
    if (outcome?.sentence) {
      site.hear(outcome.sentence);
      tell(`ended: ${outcome.sentence}`);
    }
    return outcome;
  }

  async #monitor(
    process: Process,
    configuration: Configuration,
    tell: (line: string) => void,
    more: Partial<PassOptions>,
  ): Promise<PassOutcome> {
    const site = this.#site;
    const startedAt = process.now();
    process.toolsUntil = startedAt + configuration.timeoutMs * 0.8;
    const marks = site.marksFor(process);
    try {
      // What a killed pass left apart is brought in step, as the agent's monitor does.
      for (const reading of (await marks.readAll()).marks) {
        if (reading.mark.kind === 'no' || reading.mark.kind === 'none') await marks.repair(reading, this.#me);
      }
    } catch (error) {
      return { troubled: true, sentence: `marks cannot be read: ${String(error)}` };
    }
    const hints = parseHints(this.hints);
    for (const name of this.#leftShown) await this.#clearReturn(process, name);
    const keepHints = () => {
      if (!process.alive) return;
      this.hints = formatHints(hints);
      site.cloud.world.observer.heard('the file of hints', this.hints);
    };
    const outcome = await runPass({
      marks,
      readHostMap: async () => new Map([...site.hostMap].map(([node, plug]) => [nodeName(node), plug])),
      connect: site.connectFor(process, this.name),
      me: this.#me,
      dnsDomain: configuration.dnsDomain,
      settings: settingsOf(configuration),
      policy: policyOf(configuration),
      limits: configuration.limits,
      readModes: async () => (configuration.isDeaf === true ? noWord : site.modesFor(process).readModes()),
      readFencing: (node) => site.fencingFor(process).readFencing(node),
      report: {
        event: (event) => {
          if (!process.alive) return;
          site.events.push(event);
          site.hear(`${event.about} ${event.what} ${JSON.stringify(event)}`);
        },
        figures: () => undefined,
      },
      apiErrors: () => ({}),
      hints,
      watches: new Watches(site.attributesFor(process), nodeName(this.#me)),
      keepHints,
      clock: process,
      log: site.logOf(process, tell),
      showProgress: async (name, text) => {
        if (process.alive) site.shown.set(`evacuation-${name}`, text);
        site.hear(`evacuation-${name}: ${text}`);
        await process.sleep(12);
      },
      clearProgress: async (name) => {
        site.shown.delete(`evacuation-${name}`);
        await process.sleep(12);
        return this.#clearReturn(process, name);
      },
      readPulses: () => readPulses(site.attributesFor(process)),
      release: configuration.release,
      readNodes: () => site.nodesFor(process).read(),
      readActive: () => site.clusterFor(process).activeTypes('NovaCompute'),
      startedAt,
      timeoutMs: configuration.timeoutMs,
      ...more,
    });
    keepHints();
    return outcome;
  }

  async #clearReturn(process: Process, node: string): Promise<boolean> {
    this.#leftShown.add(node);
    try {
      await takeDownReturn(this.#site.attributesFor(process), nodeName(node));
    } catch (error) {
      rethrowUnless(error, AttrdError);
      return false;
    }
    this.#leftShown.delete(node);
    return true;
  }
}

function settingsOf(configuration: Configuration): PassOptions['settings'] {
  const { concurrency, evacuateDelayMs, earlyReturn, noSharedStorage } = configuration;
  return { concurrency, evacuateDelayMs, earlyReturn, onSharedStorage: !noSharedStorage };
}

function policyOf({ policy }: Configuration): PassOptions['policy'] {
  const parsed = parsePolicy(policy);
  if ('error' in parsed) throw new Error(parsed.error);
  return parsed.policy;
}
