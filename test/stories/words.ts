import type { ServiceName } from '../simulators/cloud/http.ts';
import { serviceNames } from '../simulators/cloud/http.ts';
import type { Configuration } from '../simulators/world/controller.ts';

/** The words of a command: a verb, then plain ones and `name=value`. What nobody asks for is an error of the story. */
export class Words {
  readonly verb: string;
  #plain: string[] = [];
  readonly #named = new Map<string, string>();

  constructor(line: string) {
    // A value with spaces stands in quotes.
    const [verb = '', ...words] = [...line.matchAll(/(?:[^\s'=]+=)?(?:'[^']*'|[^\s']+)/g)].map(
      ([word]) => word,
    );
    this.verb = verb;
    for (const word of words) {
      const [, name, value] = /^([\w.]+)=(.*)$/s.exec(word) ?? [];
      if (name === undefined || value === undefined) this.#plain.push(unquoted(word));
      else this.#named.set(name, unquoted(value));
    }
  }

  /** The next plain word; `what` it is to be. */
  next(what: string): string {
    const word = this.#plain.shift();
    if (word === undefined) throw new Error(`"${this.verb}" lacks ${what}`);
    return word;
  }

  maybe(): string | null {
    return this.#plain.shift() ?? null;
  }

  /** All plain words that are left. */
  plain(): string[] {
    const words = this.#plain;
    this.#plain = [];
    return words;
  }

  take(name: string): string | null {
    const value = this.#named.get(name) ?? null;
    this.#named.delete(name);
    return value;
  }

  takeAll(): Record<string, string> {
    const all = Object.fromEntries(this.#named);
    this.#named.clear();
    return all;
  }

  /** All that is named, as the simulated cloud reads it: numbers, true, false, null and JSON; `a.b=c` is a member of a. */
  takeWish(): Record<string, unknown> {
    const wish: Record<string, unknown> = {};
    const inner: Record<string, Record<string, string>> = {};
    for (const [name, value] of Object.entries(this.takeAll())) {
      const [outer = '', member] = name.split('.');
      if (member === undefined) wish[name] = parse(value);
      else inner[outer] = { ...inner[outer], [member]: value };
    }
    return { ...wish, ...inner };
  }

  refuseRest(): void {
    const rest = [...this.#plain, ...[...this.#named].map(([name, value]) => `${name}=${value}`)];
    if (rest.length > 0) throw new Error(`"${this.verb}" does not know ${rest.join(' ')}`);
  }
}

function unquoted(text: string): string {
  return /^'.*'$/s.test(text) ? text.slice(1, -1) : text;
}

function parse(value: string): unknown {
  if (/^(-?\d+(\.\d+)?|true|false|null)$|^[[{]/.test(value)) return JSON.parse(value);
  return value;
}

export function number(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${text} is no number`);
  return Number(text);
}

/** `250ms`, `5s` or `3min`, in ms. */
export function duration(text: string): number {
  const match = /^(\d+)(ms|s|min)$/.exec(text);
  const unit = { ms: 1, s: 1_000, min: 60_000 }[match?.[2] ?? ''];
  if (match === null || unit === undefined) throw new Error(`${text} is no duration`);
  return Number(match[1]) * unit;
}

export function serviceName(text: string): ServiceName {
  const known = serviceNames.find((each) => each === text);
  if (known === undefined) throw new Error(`there is no service ${text}`);
  return known;
}

/** The agent's parameters, by the names and in the units that operators give them. */
export function withParameters(
  before: Configuration,
  given: Readonly<Record<string, string>>,
): Configuration {
  const rest = { ...given };
  const take = (name: string): string | undefined => {
    const value = rest[name];
    delete rest[name];
    return value;
  };
  const count = (name: string, old: number, unit = 1) => {
    const value = take(name);
    return (value === undefined ? old : number(value)) * unit;
  };
  const early = take('early_return') ?? before.earlyReturn;
  if (early !== 'release' && early !== 'evacuate') throw new Error(`early_return=${early}`);
  const release = take('release') ?? before.release;
  if (release !== 'auto' && release !== 'on' && release !== 'off') throw new Error(`release=${release}`);
  const { policy, limits } = before;
  const after: Configuration = {
    concurrency: count('concurrency', before.concurrency),
    earlyReturn: early,
    release,
    evacuateDelayMs: count('evacuate_delay', before.evacuateDelayMs / 1_000, 1_000),
    noSharedStorage: (take('no_shared_storage') ?? (before.noSharedStorage ? '1' : '0')) === '1',
    dnsDomain: take('domain') ?? before.dnsDomain,
    policy: {
      include: take('include') ?? policy.include,
      exclude: take('exclude') ?? policy.exclude,
      priority: take('priority') ?? policy.priority,
      other_states: take('other_states') ?? policy.other_states,
    },
    limits: {
      maxFailedPercent: count('max_failed_percent', limits.maxFailedPercent),
      maxFailedPerAggregate: count('max_failed_per_aggregate', limits.maxFailedPerAggregate),
      maxHostsAtOnce: count('max_hosts_at_once', limits.maxHostsAtOnce),
    },
    timeoutMs: count('timeout', before.timeoutMs / 1_000, 1_000),
  };
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new Error(`there is no parameter ${unknown}`);
  return after;
}
