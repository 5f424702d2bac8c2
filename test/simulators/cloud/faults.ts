import type { ApiRequest, ServiceName } from './http.ts';
import { isObject, serviceNames } from './http.ts';

/** What goes wrong. Several may be given together: first the delay, then the rest in this order. */
export interface FaultAction {
  /** Every token is revoked before the request is looked at: a log-in that ended early. */
  readonly expireTokens?: boolean;
  readonly delayMs?: number;
  /** Nova cannot reach the database of the cell for this one request: lists lack what is in it, without a word. */
  readonly cellAway?: boolean;
  /** Never answered. */
  readonly hang?: boolean;
  /** The connection is torn down, before or after the request was carried out. */
  readonly reset?: 'before' | 'after';
  /** Answered with this instead; carried out all the same when `effect` is true. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
  readonly effect?: boolean;
  /** Members of the right answer to replace, by dotted path (`services.0.host`); `null` stays null. */
  readonly patch?: Readonly<Record<string, unknown>>;
  /** Members of the right answer to leave out, by dotted path. */
  readonly remove?: readonly string[];
  /** Nova gets no answer from the cell for this request: lists leave out, without a word, what is in it. */
  readonly withoutCell?: boolean;
  /** Half of the body, then the connection ends. */
  readonly truncate?: boolean;
}

export interface FaultRule extends FaultAction {
  readonly id: number;
  readonly service?: ServiceName;
  readonly method?: string;
  /** Regular expression on path and query. */
  readonly path?: string;
  /** Regular expression on the request's body. */
  readonly body?: string;
  /** Lets the first ones pass. */
  readonly skip?: number;
  /** Strikes so often and then no more; absent = for ever. */
  readonly times?: number;
  /** Strikes with this probability, from a random sequence that `seed` fixes. */
  readonly probability?: number;
  readonly seed?: number;
}

interface Armed {
  readonly rule: FaultRule;
  readonly path: RegExp | undefined;
  readonly body: RegExp | undefined;
  readonly random: () => number;
  passed: number;
  struck: number;
}

/** The faults a test has asked for. The first rule that matches strikes. */
export class Faults {
  /** Asked before any rule, by a test in the same process that decides as it goes. */
  decide: (request: ApiRequest) => FaultAction | null = () => null;
  #armed: Armed[] = [];
  #lastId = 0;

  /** Throws with a sentence when the rule is not one. */
  add(given: unknown): FaultRule {
    if (!isObject(given)) throw new Error('A fault is a JSON object.');
    this.#lastId += 1;
    const rule = checkRule(given, this.#lastId);
    this.#armed.push({
      rule,
      path: rule.path === undefined ? undefined : new RegExp(rule.path),
      body: rule.body === undefined ? undefined : new RegExp(rule.body),
      random: mulberry32(rule.seed ?? 1),
      passed: 0,
      struck: 0,
    });
    return rule;
  }

  list(): (FaultRule & { struck: number })[] {
    return this.#armed.map(({ rule, struck }) => ({ ...rule, struck }));
  }

  clear(): void {
    this.#armed = [];
  }

  remove(id: number): void {
    this.#armed = this.#armed.filter(({ rule }) => rule.id !== id);
  }

  strike(request: ApiRequest): FaultAction | undefined {
    const decided = this.decide(request);
    if (decided !== null) return decided;
    const query = request.query.toString();
    const target = query === '' ? request.path : `${request.path}?${query}`;
    for (const armed of this.#armed) {
      const { rule } = armed;
      if (rule.service !== undefined && rule.service !== request.service) continue;
      if (rule.method !== undefined && rule.method !== request.method) continue;
      if (armed.path !== undefined && !armed.path.test(target)) continue;
      if (armed.body !== undefined && !armed.body.test(request.body)) continue;
      if (rule.times !== undefined && armed.struck >= rule.times) continue;
      if (armed.passed < (rule.skip ?? 0)) {
        armed.passed += 1;
        continue;
      }
      if (rule.probability !== undefined && armed.random() >= rule.probability) continue;
      armed.struck += 1;
      return rule;
    }
    return undefined;
  }
}

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  service: (value) => serviceNames.some((name) => name === value),
  method: (value) => typeof value === 'string',
  path: (value) => typeof value === 'string',
  body: (value) => typeof value === 'string',
  skip: (value) => typeof value === 'number',
  times: (value) => typeof value === 'number',
  probability: (value) => typeof value === 'number',
  seed: (value) => typeof value === 'number',
  expireTokens: (value) => typeof value === 'boolean',
  delayMs: (value) => typeof value === 'number',
  cellAway: (value) => typeof value === 'boolean',
  hang: (value) => typeof value === 'boolean',
  reset: (value) => value === 'before' || value === 'after',
  status: (value) => typeof value === 'number',
  headers: isObject,
  json: () => true,
  text: (value) => typeof value === 'string',
  effect: (value) => typeof value === 'boolean',
  patch: isObject,
  remove: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
  withoutCell: (value) => typeof value === 'boolean',
  truncate: (value) => typeof value === 'boolean',
};

function checkRule(given: Readonly<Record<string, unknown>>, id: number): FaultRule {
  for (const [name, value] of Object.entries(given)) {
    const fits = types[name];
    if (fits === undefined) throw new Error(`A fault has no member "${name}".`);
    if (!fits(value)) throw new Error(`The fault's "${name}" cannot be ${JSON.stringify(value)}.`);
  }
  return { ...given, id };
}

/** Replaces and removes members of a JSON value by dotted path; paths that lead nowhere are errors of the test. */
export function patchJson(json: unknown, action: FaultAction): unknown {
  const copy: unknown = structuredClone(json);
  for (const path of action.remove ?? []) edit(copy, path, undefined);
  for (const [path, value] of Object.entries(action.patch ?? {})) edit(copy, path, value);
  return copy;
}

function edit(root: unknown, path: string, value: unknown): void {
  const steps = path.split('.');
  const last = steps.pop() ?? '';
  let at: unknown = root;
  for (const step of steps) {
    at = Array.isArray(at) ? at[Number(step)] : isObject(at) ? at[step] : undefined;
  }
  if (Array.isArray(at)) {
    if (value === undefined) at.splice(Number(last), 1);
    else at[Number(last)] = value;
  } else if (isObject(at)) {
    const target: Record<string, unknown> = at;
    if (value === undefined) delete target[last];
    else target[last] = value;
  }
}

/** A small random sequence that a seed fixes (mulberry32). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
