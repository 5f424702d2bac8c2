import { readdirSync, readFileSync, statSync } from 'node:fs';
import { nodeOf, RUN } from './settings.ts';

/** Power states of nova.compute.power_state in which a domain executes or holds its disk open. */
const LIVE = new Set([1, 3]);

interface Hypervisor {
  readonly stamp: string;
  readonly states: ReadonlyMap<string, number>;
}

/**
 * Watches the hypervisors' own lists of domains, 20 times a second: the last word on whether an instance runs twice,
 * whatever Nova believes.
 */
export class DomainWatch {
  private readonly directory = `${RUN}/hypervisors`;
  private hypervisors = new Map<string, Hypervisor>();
  private timer: NodeJS.Timeout | undefined;
  private told = 'none';
  private toldAt = 0;
  private readonly doubled = new Set<string>();
  private readonly onChange: (text: string) => void;

  constructor(onChange: (text: string) => void) {
    this.onChange = onChange;
  }

  start(): void {
    this.doubled.clear();
    this.sample();
    this.timer = setInterval(() => {
      this.sample();
      this.tell();
    }, 50);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Instances that at some time since the start were live on two hypervisors at once, as "uuid on comp0 and comp1". */
  get violations(): string[] {
    return [...this.doubled];
  }

  /** Nodes on which an instance is live at this moment. */
  liveOn(uuid: string): string[] {
    this.sample();
    return [...this.hypervisors].filter(([, h]) => LIVE.has(h.states.get(uuid) ?? 0)).map(([node]) => node);
  }

  /** Nodes on which an instance has a domain, whatever its state. */
  definedOn(uuid: string): string[] {
    this.sample();
    return [...this.hypervisors].filter(([, h]) => h.states.has(uuid)).map(([node]) => node);
  }

  /** "live: 20 on comp0, 3 on comp1", once a second while that changes. */
  private tell(): void {
    if (Date.now() - this.toldAt < 1000) return;
    const counts = [...this.hypervisors]
      .map(([node, { states }]) => [node, [...states.values()].filter((s) => LIVE.has(s)).length] as const)
      .filter(([, live]) => live > 0)
      .sort(([a], [b]) => a.localeCompare(b));
    const text = counts.map(([node, live]) => `${live} on ${node}`).join(', ') || 'none';
    if (text === this.told) return;
    this.told = text;
    this.toldAt = Date.now();
    this.onChange(`live: ${text}`);
  }

  private sample(): void {
    for (const file of readdirSync(this.directory)) if (file.endsWith('.json')) this.read(file);
    const seen = new Map<string, string>();
    for (const [node, { states }] of this.hypervisors) {
      for (const [uuid, state] of states) {
        if (!LIVE.has(state)) continue;
        const other = seen.get(uuid);
        // Files are read one after the other; what still holds when read again was true at one moment.
        if (other !== undefined && this.stillLive(uuid, other) && this.stillLive(uuid, node)) {
          const text = `${uuid} on ${other} and ${node}`;
          if (!this.doubled.has(text)) this.onChange(`RUNS TWICE: instance ${text}`);
          this.doubled.add(text);
        }
        seen.set(uuid, node);
      }
    }
  }

  private stillLive(uuid: string, node: string): boolean {
    for (const file of readdirSync(this.directory)) {
      if (file.endsWith('.json') && nodeOf(file) === node) this.read(file);
    }
    return LIVE.has(this.hypervisors.get(node)?.states.get(uuid) ?? 0);
  }

  private read(file: string): void {
    const path = `${this.directory}/${file}`;
    const { mtimeNs, ino } = statSync(path, { bigint: true });
    const stamp = `${mtimeNs} ${ino}`;
    const node = nodeOf(file);
    const before = this.hypervisors.get(node);
    if (before?.stamp === stamp) return;
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const states = new Map<string, number>();
    for (const [uuid, entry] of Object.entries(content ?? {})) {
      if (Array.isArray(entry) && typeof entry[1] === 'number') states.set(uuid, entry[1]);
    }
    this.hypervisors.set(node, { stamp, states });
  }
}
