/** One number that was measured, beside the most it should be. */
export interface Measurement {
  readonly what: string;
  readonly value: number;
  readonly unit: 'ratio' | 'MB' | 's';
  /** Infinite where there is none. */
  readonly goal: number;
  /** What the number was made from, for people. */
  readonly detail: string;
}

/** A line for people: value, goal, whether it was met, and where it comes from. */
export function describe(measurement: Measurement): string {
  const { what, value, unit, goal, detail } = measurement;
  const number = (x: number): string =>
    unit === 'MB' ? `${x.toFixed(0)} MB` : unit === 's' ? `${x.toFixed(1)} s` : x.toFixed(2);
  const aim = Number.isFinite(goal)
    ? `goal ${number(goal).padStart(6)}  ${value <= goal ? 'met' : 'MISSED'}`
    : '';
  return `${what.padEnd(52)} ${number(value).padStart(7)}  ${aim.padEnd(21)} ${detail}`;
}
