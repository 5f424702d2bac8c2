import {
  formatHints,
  type PassOptions,
  type PassOutcome,
  parseHints,
  parsePolicy,
  readPulses,
  runPass,
} from '../../lib/evacuation/index.ts';
import type { Process } from '../unit/evacuation/virtualTime.ts';
import type { Site } from './site.ts';

const noWord = { cluster: 'normal', nodes: new Map(), transient: new Set<string>(), unknown: [] } as const;

/** How NovaEvacuate is configured. */
export interface Configuration {
  readonly concurrency: number;
  readonly earlyReturn: 'release' | 'evacuate';
  readonly release: 'auto' | 'on';
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
  #hints = '';
  #locked = false;

  /** `me`: as it stands in claims. */
  constructor(site: Site, name: string, me = name) {
    this.#site = site;
    this.name = name;
    this.#me = me;
  }

  /** One monitor; null when it was not begun (another holds the lock), or was killed. */
  async monitor(
    configuration: Configuration,
    tell: (line: string) => void,
    begun: (process: Process, killed: () => void) => void = () => undefined,
  ): Promise<PassOutcome | null> {
    if (this.#locked) return null;
    this.#locked = true;
    const site = this.#site;
    const process = site.newProcess();
    let kill: (nothing: null) => void = () => undefined;
    const death = new Promise<null>((resolve) => {
      kill = resolve;
    });
    begun(process, () => {
      process.kill();
      kill(null);
    });
    const outcome = await Promise.race([this.#monitor(process, configuration, tell), death]);
    this.#locked = false;
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
  ): Promise<PassOutcome> {
    const site = this.#site;
    const startedAt = process.now();
    const marks = site.marksFor(process);
    try {
      // What a killed pass left apart is brought in step, as the agent's monitor does.
      for (const reading of (await marks.readAll()).marks) {
        if (reading.mark.kind === 'no' || reading.mark.kind === 'none') await marks.repair(reading);
      }
    } catch (error) {
      return { troubled: true, sentence: `marks cannot be read: ${String(error)}` };
    }
    const hints = parseHints(this.#hints);
    const keepHints = () => {
      if (!process.alive) return;
      this.#hints = formatHints(hints);
      site.cloud.world.observer.heard('the file of hints', this.#hints);
    };
    const outcome = await runPass({
      marks,
      readHostMap: async () => new Map(),
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
          if (process.alive) site.hear(`${event.about} ${event.what} ${JSON.stringify(event)}`);
        },
        figures: () => undefined,
      },
      apiErrors: () => ({}),
      hints,
      keepHints,
      clock: process,
      log: site.logOf(process, tell),
      showProgress: async (name, text) => {
        site.hear(`evacuation-${name}: ${text}`);
        await process.sleep(12);
      },
      clearProgress: async () => {
        await process.sleep(12);
      },
      readPulses: () => readPulses(site.attributesFor(process)),
      release: configuration.release,
      readNodes: () => site.clusterFor(process).nodes(),
      startedAt,
      timeoutMs: configuration.timeoutMs,
    });
    keepHints();
    return outcome;
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
