/**
 * The steps of an action, as Nova notes them (nova/compute/utils.py, EventReporter): whoever takes a request up begins one, and
 * ends it with its result. One that died over it leaves it open for ever; a request that nobody took up has none.
 */
export interface Step {
  /** `rebuild_server` of the conductor, `compute_rebuild_instance` of the destination, … */
  readonly event: string;
  readonly host: string;
  readonly startedAt: number;
  finishedAt: number | null;
  result: 'Success' | 'Error' | null;
  details: string | null;
}

/** Where steps are noted: an action. */
interface Stepped {
  readonly steps: Step[];
}

/** The conductor's host, as Nova names it in its steps. */
export const conductorHost = 'controller';

export function beginStep({ steps }: Stepped, event: string, host: string, at: number): void {
  steps.push({ event, host, startedAt: at, finishedAt: null, result: null, details: null });
}

/** Ends the last step that is open; none is where whoever gives up had not begun. */
export function endStep({ steps }: Stepped, error: string | null, at: number): void {
  const open = steps.findLast(({ finishedAt }) => finishedAt === null);
  if (open === undefined) return;
  open.finishedAt = at;
  open.result = error === null ? 'Success' : 'Error';
  open.details = error;
}
