import { describeChange, type Life } from '../simulators/world/life.ts';

/** How many requests, or lines, of one kind are told one by one; more are counted. */
const mostNames = 3;
/** What tells one line of a kind from another: which instance, where to, how long it took. */
const particulars = /\S+ \([0-9a-f-]{36}\)|it is on \S+|after \d+ s|\d+ (s|min) ago|req-[0-9a-f-]{36}/g;

/** What the agents keep for each other and for themselves, in forms of their own. */
const hidden = /^(evacuate-incident|nova-evacuate-watches)$/;

interface Entry {
  readonly at: number;
  readonly who: string;
  /** Read when it is told: the answer to a request comes later. */
  readonly what: () => string;
}

/**
 * What happens in a life, as a story tells it: what is said by whom, what is asked of Nova, and what is written into the
 * cluster's attributes, each with the seconds since the story began.
 */
export class Chronicle {
  readonly #life: Life;
  readonly #start: number;
  readonly #attributes = new Map<string, string>();
  #entries: Entry[] = [];

  constructor(life: Life) {
    this.#life = life;
    this.#start = life.site.time.now();
    life.tell = (who, line) => this.note(who, () => line);
    this.#listen();
  }

  note(who: string, what: () => string): void {
    this.#entries.push({ at: this.#life.site.time.now(), who, what });
  }

  /** What has happened since this was asked last. */
  takeLines(): string[] {
    this.#lookAtAttributes();
    const entries = this.#entries;
    this.#entries = [];
    const lines: string[] = [];
    for (let index = 0; index < entries.length; ) {
      const [line, count] = this.#tell(entries.slice(index));
      lines.push(line);
      index += count;
    }
    return lines.map((line) => this.readable(line));
  }

  /** Ids by the names of what bears them, seconds since the story began for the times in claims. */
  readable(line: string): string {
    const servers = [...this.#life.site.cloud.world.servers.values()];
    return servers
      .reduce((text, { id, name }) => text.replaceAll(id, `id-of-${name}`), line)
      .replace(/@(\d{10})\b/g, (_, seconds: string) => `@${Number(seconds) - this.#start / 1000}s`)
      .replace(/\breq-[0-9a-f-]{36}/g, 'req-#')
      .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '#');
  }

  /** The first of these, together with others that it stands for. */
  #tell(entries: readonly Entry[]): readonly [string, number] {
    const [first] = entries;
    if (first === undefined) return ['', 1];
    const time = `${String(Math.floor((first.at - this.#start) / 1000)).padStart(4)} ${first.who}`;
    const what = first.what();
    const alike = (isAlike: (other: string) => boolean): string[] => {
      const end = entries.findIndex(({ who, what }) => who !== first.who || !isAlike(what()));
      return entries.slice(0, end < 0 ? entries.length : end).map((entry) => entry.what());
    };
    const verb = /^(\S+) \S+$/.exec(what)?.[1];
    if (first.who.endsWith('Nova:') && verb !== undefined) {
      const asked = alike((other) => other.startsWith(`${verb} `) && /^\S+ \S+$/.test(other));
      const names = asked.map((each) => each.slice(verb.length + 1));
      return [
        `${time} ${verb} ${names.length > mostNames ? `${names.length} instances` : names.join(', ')}`,
        asked.length,
      ];
    }
    const kind = what.replace(particulars, '*');
    const count = alike((other) => other.replace(particulars, '*') === kind).length;
    if (count <= mostNames) return [`${time} ${what}`, 1];
    return [`${time} ${what} [and ${count - 1} more]`, count];
  }

  #listen(): void {
    const { site } = this.#life;
    const { cloud, tools } = site;
    const answer = cloud.answer.bind(cloud);
    cloud.answer = (received) => {
      const before = cloud.requests.entries.length;
      const answered = answer(received);
      const entry = cloud.requests.entries[before];
      const who = `${received.sender?.split(' ', 1)[0] ?? 'somebody'} -> Nova:`;
      if (entry !== undefined && describeChange(site, entry) !== null) {
        this.note(who, () => describeChange(site, entry) ?? '');
      }
      return answered;
    };
    const toolsFor = tools.for.bind(tools);
    tools.for = (process, timeoutMs) => {
      const run = toolsFor(process, timeoutMs);
      return async (tool, args) => {
        const result = await run(tool, args);
        this.#lookAtAttributes();
        return result;
      };
    };
    const show = site.shown.set.bind(site.shown);
    site.shown.set = (name, text) => {
      if (name.startsWith('evacuation-') && site.shown.get(name) !== text) this.note(name, () => `= ${text}`);
      return show(name, text);
    };
  }

  /** What was written into attributes of nodes and cluster properties since they were looked at last. */
  #lookAtAttributes(): void {
    const { pacemaker } = this.#life.site;
    const now = new Map<string, string>();
    for (const [name, values] of pacemaker.transient) {
      if (hidden.test(name)) continue;
      for (const [node, value] of values) if (value !== '') now.set(`${node} ${name}`, value);
    }
    for (const [node, values] of pacemaker.nodes) {
      for (const [name, value] of values)
        if (!hidden.test(name)) now.set(`${node} ${name} (permanent)`, value);
    }
    for (const name of new Set([...this.#attributes.keys(), ...now.keys()])) {
      const value = now.get(name);
      if (value === this.#attributes.get(name)) continue;
      // What beats every few seconds would hide the rest.
      const isBeat = /returning$/.test(name) && value !== undefined && this.#attributes.has(name);
      if (!isBeat) this.note(name, () => (value === undefined ? 'is gone' : `= ${value}`));
      if (value === undefined) this.#attributes.delete(name);
      else this.#attributes.set(name, value);
    }
  }
}
