import type { OcfParameter, OcfParameters } from './types.ts';

/** The words `ocf_is_true` (resource-agents, ocf-shellfuncs) takes for true; everything else is false. */
const TRUE_WORDS = new Set(['yes', 'true', '1', 'YES', 'TRUE', 'True', 'ja', 'on', 'ON']);
/** Words that plainly mean false; any other word is false too, but probably a slip of the pen. */
const FALSE_WORDS = new Set(['no', 'false', '0', 'n', 'off', 'nein', '']);

const TIME_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  s: 1,
  sec: 1,
  ms: 0.001,
  msec: 0.001,
  us: 0.000_001,
  usec: 0.000_001,
  m: 60,
  min: 60,
  h: 3600,
  hr: 3600,
};

/** What is wrong with the parameters, as sentences: errors forbid the action, warnings do not. */
export interface ParameterFindings {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** The boolean that resource agents make of a word. */
export function ocfIsTrue(word: string): boolean {
  return TRUE_WORDS.has(word);
}

/** Reads `OCF_RESKEY_*` by the declarations. Never throws for what the environment holds. */
export function readParameters(
  declared: readonly OcfParameter[],
  env: NodeJS.ProcessEnv,
): { readonly parameters: OcfParameters; readonly findings: ParameterFindings } {
  const byName = new Map(declared.map((parameter) => [parameter.name, parameter]));
  const find = (name: string): OcfParameter => {
    const parameter = byName.get(name);
    if (parameter === undefined) throw new Error(`the agent declares no parameter ${name}`);
    return parameter;
  };
  const given = (name: string): string => env[`OCF_RESKEY_${find(name).name}`] ?? '';
  const value = (name: string): string => given(name) || (find(name).default ?? '');

  const errors: string[] = [];
  const warnings: string[] = [];
  for (const parameter of declared) {
    const text = value(parameter.name);
    if (text === '') {
      // The wording is the original agents'; people search for it.
      if (parameter.required === true) errors.push(`${parameter.name} not configured`);
      continue;
    }
    const error = wrong(parameter, text);
    if (error !== null) errors.push(error);
    if (parameter.type === 'boolean' && !ocfIsTrue(text) && !FALSE_WORDS.has(text.toLowerCase())) {
      warnings.push(
        `${parameter.name} is ${shown(parameter, text)}, which is no boolean; it counts as false`,
      );
    }
  }

  return {
    parameters: {
      string: value,
      boolean: (name) => ocfIsTrue(value(name)),
      integer: (name) => {
        const parameter = find(name);
        return toNumber(parameter, value(name)) ?? toNumber(parameter, parameter.default ?? '') ?? 0;
      },
      given: (name) => given(name) !== '',
    },
    findings: { errors, warnings },
  };
}

function toNumber(parameter: OcfParameter, text: string): number | null {
  if (parameter.type === 'time') {
    const match = /^(\d{1,12})\s*([a-z]{0,4})$/i.exec(text.trim());
    const unit = TIME_UNITS[match?.[2]?.toLowerCase() ?? '-'];
    return match === null || unit === undefined ? null : Math.ceil(Number(match[1]) * unit);
  }
  if (!/^[+-]?\d{1,15}$/.test(text.trim())) return null;
  return Number(text.trim());
}

function wrong(parameter: OcfParameter, text: string): string | null {
  const is = `${parameter.name} is ${shown(parameter, text)}`;
  if (parameter.oneOf !== undefined && !parameter.oneOf.includes(text)) {
    return `${is}; it must be one of ${parameter.oneOf.join(', ')}`;
  }
  if (parameter.type !== 'integer' && parameter.type !== 'time') return null;
  const number = toNumber(parameter, text);
  if (number === null) {
    return parameter.type === 'integer'
      ? `${is}; it must be a whole number`
      : `${is}; it must be a time such as 30 or 2min`;
  }
  const { min, max } = parameter;
  if ((min !== undefined && number < min) || (max !== undefined && number > max)) {
    const bounds = [
      min === undefined ? [] : [`at least ${min}`],
      max === undefined ? [] : [`at most ${max}`],
    ].flat();
    return `${is}; it must be ${bounds.join(' and ')}`;
  }
  return null;
}

/** A value as it may appear in a message: short, on one line, and never a secret. */
function shown(parameter: OcfParameter, text: string): string {
  if (parameter.secret === true) return 'not usable';
  const line = [...text].map((char) => (char < ' ' || char === '\u007f' ? '?' : char)).join('');
  return `"${line.length > 80 ? `${line.slice(0, 80)}…` : line}"`;
}
