/** Reads a scenario's data. YAML's failsafe schema knows text only, as the wire does: a bare true is the text `true`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

export type Data = Readonly<Record<string, unknown>>;

export interface Scenario {
  readonly title: string;
  readonly given: unknown;
  readonly when: readonly unknown[];
  readonly outcome: unknown;
}

export function readScenarios(): readonly {
  readonly file: string;
  readonly scenarios: readonly Scenario[];
}[] {
  const directory = import.meta.dirname;
  return readdirSync(directory)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => {
      const documents = parseAllDocuments(readFileSync(join(directory, file), 'utf8'), {
        schema: 'failsafe',
      });
      return { file, scenarios: documents.map((document) => readScenario(document.toJS(), file)) };
    });
}

function readScenario(data: unknown, file: string): Scenario {
  const scenario = fields(data, ['title', 'given', 'when', 'then'], file);
  return {
    title: text(scenario['title']),
    given: scenario['given'],
    when: list(scenario['when']),
    outcome: scenario['then'],
  };
}

/** A key that is misspelled would make a scenario that cannot fail. */
export function fields(data: unknown, known: readonly string[], where: string): Data {
  const record = map(data);
  const unknown = Object.keys(record).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new Error(`${where}: unknown key ${unknown}`);
  return record;
}

export function map(data: unknown): Data {
  if (data === undefined) return {};
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new Error(`${JSON.stringify(data)} is no map`);
  }
  return { ...data };
}

export function texts(data: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(map(data)).map(([key, value]) => [key, text(value)]));
}

export function list(data: unknown): readonly unknown[] {
  if (data === undefined) return [];
  if (!Array.isArray(data)) throw new Error(`${JSON.stringify(data)} is no list`);
  return data;
}

export function text(data: unknown): string {
  if (typeof data !== 'string') throw new Error(`${JSON.stringify(data)} is no text`);
  return data;
}

export function number(data: unknown): number {
  const said = text(data);
  if (!/^\d+$/.test(said)) throw new Error(`${said} is no number`);
  return Number(said);
}

export function yes(data: unknown): boolean {
  const said = text(data);
  if (said !== 'yes' && said !== 'no') throw new Error(`${said} is neither yes nor no`);
  return said === 'yes';
}

/** `250 ms`, `5 s`, `3 min` or `2 h`, in ms. */
export function duration(data: unknown): number {
  const match = /^(\d+) (ms|s|min|h)$/.exec(text(data));
  const unit = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 }[match?.[2] ?? ''];
  if (match === null || unit === undefined) throw new Error(`${text(data)} is no duration`);
  return Number(match[1]) * unit;
}

/** Whether a name fits one with `*`. */
export function fits(pattern: string, name: string): boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`).test(name);
}

/** Whether a sentence contains a text, or matches one between slashes. */
export function says(sentence: string, wanted: string): boolean {
  const regular = /^\/(.*)\/$/s.exec(wanted)?.[1];
  return regular === undefined ? sentence.includes(wanted) : new RegExp(regular).test(sentence);
}

/** Whether a count is what `3`, `<= 3`, `>= 3` or `2..4` says. */
export function isCount(count: number, wanted: string): boolean {
  const match = /^(?:(\d+)|<= (\d+)|>= (\d+)|(\d+)\.\.(\d+))$/.exec(wanted);
  if (match === null) throw new Error(`${wanted} is no count`);
  const [, exact, most, least, from, to] = match.map((part) => (part === undefined ? null : Number(part)));
  if (exact != null) return count === exact;
  if (most != null) return count <= most;
  if (least != null) return count >= least;
  return count >= (from ?? 0) && count <= (to ?? 0);
}
