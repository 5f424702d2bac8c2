import type { Configuration, Controller } from '../simulators/world/controller.ts';
import type { Site } from '../simulators/world/site.ts';
import type { Process } from '../simulators/world/virtualTime.ts';
import type { Draw } from './draw.ts';

/** As long as this, things go wrong. */
export const stormMs = 240_000;
/** After that, everything has to be settled within this time. */
export const calmMs = 3_600_000;
/** No pass takes longer than this. */
export const passMs = 70_000;

/** Who starts nova-compute on a machine that is back. */
export type Starter =
  /** NovaCompute: its start, then its monitors. */
  | 'NovaCompute'
  /** systemd, after `NovaCompute wait` said that it may. */
  | 'wait'
  /** systemd or a container manager, at once; but for luck, nothing would be safe. */
  | 'itself'
  /** Another resource of the cluster, once `fence_compute on` has succeeded. */
  | 'unfencing';

/** How NovaEvacuate moves about. What the mark cannot bear is left out; the claim is what a purge takes away. */
export type Controllers =
  /** One controller; attributes are purged at any time, passes killed at any time. */
  | 'one'
  /** Two, one at a time: no pass is killed, and no purge comes, while a request of its is on its way. */
  | 'failover'
  /** Two at the same time every now and then; machines return, and purge their attributes, after the storm only. */
  | 'twins';

export interface Machine {
  readonly name: string;
  readonly starter: Starter;
  /** Once it has failed it is repaired some day, long after this. */
  readonly staysDead: boolean;
  /** Counts its boots and deaths: whatever belongs to an older life has ended. */
  life: number;
  processes: Process[];
  /** A release may be owed: NovaCompute's flag file. */
  walking: boolean;
  fencing: boolean;
}

/** What may be broken on purpose, to see that the observer notices. */
export interface Sabotage {
  readonly configuration?: (configuration: Configuration) => Partial<Configuration>;
  /** NovaEvacuate has this name on every controller: it takes all claims for its own. */
  readonly controllerName?: string;
  /** nova-compute is started at once, whatever is being evacuated. */
  readonly startsUnasked?: boolean;
  /** How long after the storm it is still watched, ms. */
  readonly patienceMs?: number;
  /** Done to the data centre before anything fails. */
  readonly site?: (site: Site) => void;
}

/** What all parts of an incident share: the data centre, what was drawn for it, and how far it has come. */
export class Scene {
  readonly site: Site;
  readonly draw: Draw;
  readonly mode: Controllers;
  readonly configuration: Configuration;
  readonly sabotage: Sabotage;
  readonly machines: ReadonlyMap<string, Machine>;
  readonly story: string[] = [];
  readonly trouble: string[] = [];
  /** Hosts that an operator had disabled, by the reason. */
  readonly foreign = new Map<string, string>();
  /** The state of every instance before anything failed. */
  readonly bornAs = new Map<string, string>();
  /** Whom the owner wants off. */
  readonly off = new Set<string>();
  /** Nodes whose evacuation an operator has paused, '' for all of them: since when. */
  readonly paused = new Map<string, number>();
  /** Nodes whose mark an operator has taken back: since when, and in which life of the machine. */
  readonly takenBack = new Map<string, { readonly since: number; readonly life: number }>();
  /** Instances that Nova refuses to evacuate for ever, by its words. */
  readonly refused = new Map<string, string>();
  /** Faults of the simulated cloud that outlast the storm, by id. */
  readonly lasting = new Set<number>();
  /** Somebody who knows Nova repairs what is stuck, though no agent has named it. */
  helpful = true;
  /** The numbers in the agents' sentences are held against the truth. */
  judgesCounts = false;
  /** What `crm_mon -A` shows of a return has to be gone once that is over. */
  judgesAttributes = false;
  /** What becomes of a controller's notes before its next pass; null: they stay. */
  loseNotes: ((controller: Controller) => void) | null = null;
  isRoomShort = false;
  /** Processes are killed at any moment. */
  kills = false;
  start: number;
  healthySince: number | null;
  #hindrances = 0;
  /** The storm is over. */
  calm = false;
  /** The incident is. */
  over = false;

  constructor(given: Pick<Scene, 'site' | 'draw' | 'mode' | 'configuration' | 'sabotage' | 'machines'>) {
    this.site = given.site;
    this.draw = given.draw;
    this.mode = given.mode;
    this.configuration = given.configuration;
    this.sabotage = given.sabotage;
    this.machines = given.machines;
    this.start = this.site.time.now();
    this.healthySince = this.start;
  }

  machine(name: string): Machine {
    const machine = this.machines.get(name);
    if (machine === undefined) throw new Error(`no machine ${name}`);
    return machine;
  }

  /** Everything up to now was peace. */
  begin(): void {
    this.start = this.site.time.now();
    this.healthySince = this.start;
  }

  /** Something stands in the way of an evacuator from now on, or does no longer. */
  hinder(by: 1 | -1): void {
    this.#hindrances += by;
    this.healthySince = this.#hindrances === 0 ? this.site.time.now() : null;
  }

  /** At some time of the storm. */
  soon(draw: Draw, task: () => void): void {
    this.site.time.after(draw.random() * stormMs * 0.8, task);
  }

  /** Begins at some time of the storm, and ends some seconds later. */
  forAWhile(draw: Draw, what: string, begin: () => void, end: () => void): void {
    this.soon(draw, () => {
      this.tell(`${what}: begins`);
      begin();
      this.hinder(1);
      this.site.time.after(1_000 + draw.random() * 25_000, () => {
        this.tell(`${what}: ends`);
        end();
        this.hinder(-1);
      });
    });
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.site.time.after(ms, resolve);
    });
  }

  tell(what: string): void {
    this.story.push(`${this.time()} ${what}`);
  }

  teller(who: string): (line: string) => void {
    return (line) => this.tell(`${who} ${line}`);
  }

  /** Seconds since the incident began. */
  time(at = this.site.time.now()): string {
    return ((at - this.start) / 1000).toFixed(3).padStart(9);
  }

  random(): number {
    return this.draw.random();
  }

  chance(part: number): boolean {
    return this.draw.chance(part);
  }
}
