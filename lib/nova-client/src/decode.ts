/**
 * Small decoders for what comes from the wire. Every value knows where it was found, so that a body of the
 * wrong shape becomes one sentence that names the field: `servers[3].OS-EXT-SRV-ATTR:host is a number, a
 * string was expected`.
 */

import { type NovaHost, novaHost, type ServerId, serverId } from './names.ts';
import { quoted } from './secrets.ts';

/** A value has not the type that was promised. Turned into a `NovaError` with code `malformed` at the border. */
export class WrongShape extends Error {
  readonly where: string;
  /** What is there instead, without its value, for those who must not show it: `a string`. */
  readonly found: string;
  readonly expected: string;

  constructor(where: string, value: unknown, expected: string) {
    const found = kindOf(value);
    const shown = typeof value === 'string' ? `the string ${quoted(value)}` : found;
    super(`${where === '' ? 'the body' : where} is ${shown}, ${expected} was expected`);
    this.name = 'WrongShape';
    this.where = where;
    this.found = found;
    this.expected = expected;
  }
}

/** One value of a decoded JSON (or YAML) document together with its place in it. */
export class Field {
  readonly value: unknown;
  /** The place itself, or what it is a member or an item of. */
  readonly #from: string | Field;
  readonly #key: string | number;

  constructor(value: unknown, from: string | Field = '', key: string | number = '') {
    this.value = value;
    this.#from = from;
    this.#key = key;
  }

  /** Put together when it is asked for, which is when something is wrong: a list has thousands of fields. */
  get where(): string {
    if (typeof this.#from === 'string') return this.#from;
    const { where } = this.#from;
    if (typeof this.#key === 'number') return `${where}[${this.#key}]`;
    return where === '' ? this.#key : `${where}.${this.#key}`;
  }

  /** Null and absent are the same to us: Nova uses both for "nothing". */
  get isNothing(): boolean {
    return this.value === undefined || this.value === null;
  }

  /** A member of an object; the member itself may be absent. */
  get(name: string): Field {
    const record = this.record();
    const value = Object.hasOwn(record, name) ? record[name] : undefined;
    return new Field(value, this, name);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.record(), name);
  }

  string(): string {
    if (typeof this.value !== 'string') throw new WrongShape(this.where, this.value, 'a string');
    return this.value;
  }

  stringOrNull(): string | null {
    return this.isNothing ? null : this.string();
  }

  /** The host of a nova-compute service. */
  host(): NovaHost {
    return novaHost(this.string());
  }

  hostOrNull(): NovaHost | null {
    return this.isNothing ? null : this.host();
  }

  /** An instance's uuid. */
  serverId(): ServerId {
    return serverId(this.string());
  }

  number(): number {
    if (typeof this.value !== 'number') throw new WrongShape(this.where, this.value, 'a number');
    return this.value;
  }

  numberOrNull(): number | null {
    return this.isNothing ? null : this.number();
  }

  boolean(): boolean {
    if (typeof this.value !== 'boolean') throw new WrongShape(this.where, this.value, 'a boolean');
    return this.value;
  }

  booleanOrNull(): boolean | null {
    return this.isNothing ? null : this.boolean();
  }

  /** An id that is a number in older microversions and a string in newer ones, as text. */
  id(): string {
    if (typeof this.value === 'number' && Number.isInteger(this.value)) return String(this.value);
    if (typeof this.value === 'string' && this.value !== '') return this.value;
    throw new WrongShape(this.where, this.value, 'a number or a string');
  }

  /**
   * A time stamp in ms since the epoch. Nova writes `2026-11-21T01:02:03Z` in some places and
   * `2026-11-21T01:02:03.000000` in others: always UTC, also without a zone.
   */
  time(): number {
    const parsed = parseTime(this.string());
    if (parsed === null) throw new WrongShape(this.where, this.value, 'an ISO 8601 time');
    return parsed;
  }

  timeOrNull(): number | null {
    return this.isNothing ? null : this.time();
  }

  list<T>(item: (field: Field) => T): T[] {
    if (!Array.isArray(this.value)) throw new WrongShape(this.where, this.value, 'a list');
    return this.value.map((value: unknown, index) => item(new Field(value, this, index)));
  }

  /** A mapping to text (metadata, extra specs). A number or a boolean is what somebody's tool made of it. */
  strings(): Readonly<Record<string, string>> {
    const entries = Object.entries(this.record()).filter(([, value]) => value !== null);
    return Object.fromEntries(
      entries.map(([key, value]) => [key, plainText(value) ?? this.get(key).string()]),
    );
  }

  /** The members of an object that are text, where others are of no interest. */
  texts(): Readonly<Record<string, string>> {
    const entries = Object.entries(this.record()).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    );
    return Object.fromEntries(entries);
  }

  /** The names of an object's members. */
  keys(): readonly string[] {
    return Object.keys(this.record());
  }

  private record(): Readonly<Record<string, unknown>> {
    if (isRecord(this.value)) return this.value;
    throw new WrongShape(this.where, this.value, 'an object');
  }
}

/** An object of JSON or YAML that is no list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `null` for what is no ISO 8601 time of day and date; without a zone it is UTC. */
export function parseTime(text: string): number | null {
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
  if (match === null) return null;
  const [, day, clock, fraction = '', zone = 'Z'] = match;
  const time = Date.parse(`${day}T${clock}${fraction.slice(0, 4)}${zone}`);
  return Number.isNaN(time) ? null : time;
}

function plainText(value: unknown): string | null {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'number' ? 'a number' : `a ${typeof value}`;
}
