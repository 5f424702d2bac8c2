/** A sample of a family in Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

/**
 * Reads Prometheus' text format 0.0.4 as strictly as its own parser and linter do, and throws on everything that the
 * collector refuses or that promtool complains about: a sample without its family before it, a family told twice or in
 * pieces, a series told twice, names and labels that are none, escapes that are none, histograms whose buckets do not
 * ascend to +Inf and their count, counters that are negative or are not called `_total`.
 */
export function parseTextFormat(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, Family>();
  const series = new Set<string>();
  let help: { name: string; text: string } | null = null;
  let family: Family | null = null;
  for (const line of text.slice(0, -1).split('\n')) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    const meta = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (meta !== null) {
      const [, kind, name = '', rest = ''] = meta;
      if (kind === 'HELP') {
        if (families.has(name)) fail('told twice');
        help = { name, text: rest };
      } else {
        if (help?.name !== name) throw new Error(`no help before it: ${line}`);
        if (!['counter', 'gauge', 'histogram'].includes(rest)) fail('no type');
        family = { name, type: rest, help: help.text, samples: [] };
        families.set(name, family);
        help = null;
      }
      continue;
    }
    if (help !== null) fail('help without type before it');
    const sample = parseSample(line);
    if (family === null || !belongs(sample.name, family)) throw new Error(`outside its family: ${line}`);
    const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (series.has(key)) fail('told twice');
    series.add(key);
    family.samples.push(sample);
  }
  for (const each of families.values()) check(each);
  return families;
}

function belongs(sample: string, family: Family): boolean {
  if (family.type !== 'histogram') return sample === family.name;
  return ['_bucket', '_sum', '_count'].some((end) => sample === family.name + end);
}

function parseSample(line: string): Sample {
  const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\{(.*)\} (\S+)$/.exec(line);
  if (match === null) throw new Error(`no sample: ${line}`);
  const [, name = '', body = '', number = ''] = match;
  const labels: Record<string, string> = {};
  let rest = body;
  while (rest !== '') {
    const pair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/.exec(rest);
    if (pair === null) throw new Error(`no label: ${rest}`);
    const [all, label = '', text = ''] = pair;
    if (label in labels) throw new Error(`label told twice: ${line}`);
    labels[label] = text.replace(/\\([\\"n])/g, (_, char: string) => (char === 'n' ? '\n' : char));
    rest = rest.slice(all.length);
  }
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number);
  if (!/^(\+Inf|-?\d+(\.\d+)?(e[+-]?\d+)?)$/.test(number)) throw new Error(`no number: ${line}`);
  return { name, labels, value };
}

function check(family: Family): void {
  const { name, type, samples } = family;
  if (samples.length === 0) throw new Error(`${name} has no samples`);
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is misnamed for a ${type}`);
  if (type !== 'gauge' && samples.some(({ value }) => value < 0)) throw new Error(`${name} is negative`);
  if (type !== 'histogram') return;
  const buckets = samples.filter((sample) => sample.name.endsWith('_bucket'));
  const bounds = buckets.map(({ labels }) => (labels['le'] === '+Inf' ? Infinity : Number(labels['le'])));
  const ascends = (numbers: readonly number[], strictly: boolean) =>
    numbers.every((each, index) => {
      const before = numbers[index - 1] ?? Number.NEGATIVE_INFINITY;
      return strictly ? each > before : each >= before;
    });
  if (!ascends(bounds, true) || bounds.at(-1) !== Infinity) throw new Error(`${name}: bounds ${bounds}`);
  if (
    !ascends(
      buckets.map(({ value }) => value),
      false,
    )
  ) {
    throw new Error(`${name}: buckets are not cumulated`);
  }
  const count = samples.find((sample) => sample.name === `${name}_count`);
  const sum = samples.find((sample) => sample.name === `${name}_sum`);
  if (sum === undefined || count?.value !== buckets.at(-1)?.value) throw new Error(`${name}: count or sum`);
}
