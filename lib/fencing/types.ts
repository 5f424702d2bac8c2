import type { FenceAction, FenceExit, FenceLog, FenceOption } from './declarations.ts';
import type { FenceOptions } from './options.ts';

/** All that an action may know of its surroundings. */
export interface FenceContext {
  /** The action's own name, aliases resolved. */
  readonly action: string;
  readonly options: FenceOptions;
  /** The machine to act on (option `port`); `''` for actions that need none. */
  readonly plug: string;
  /** The cluster's name of the node to fence, which Pacemaker gives on stdin; null when called by hand. */
  readonly nodename: string | null;
  readonly env: NodeJS.ProcessEnv;
  readonly log: FenceLog;
  /** Results; nothing else ever goes to stdout. */
  readonly out: (text: string) => void;
  /** When the process was asked, in ms since the epoch. */
  readonly startedAt: number;
  /** No clock but Pacemaker's own runs: `power_timeout`, `shell_timeout` and `login_timeout` do not apply. */
  readonly timeoutsDisabled: boolean;
}

/** A fence agent: its declarations and what its actions do. */
export interface FenceAgent {
  readonly name: string;
  readonly version: string;
  readonly shortdesc: string;
  readonly longdesc: string;
  readonly vendorUrl?: string;
  readonly options: readonly FenceOption[];
  /** Besides these, every agent answers `metadata`, `manpage` and `validate-all`. */
  readonly actions: readonly FenceAction[];
  readonly defaultAction: string;
  /** Checks beyond the declared ones, before any effect: throws {@link FenceError}. Called for `validate-all` too. */
  check?(ctx: FenceContext): Promise<void>;
  /** True when the options ask for doing nothing at all, successfully. */
  inert?(ctx: FenceContext): boolean;
  /** Carries out an action and gives the exit code: 0, 1, or 2 for "status: off". */
  act(ctx: FenceContext): Promise<FenceExit>;
}

/** What differs in tests. */
export interface FenceRunOptions {
  readonly now?: () => number;
  readonly sleep?: (ms: number) => Promise<void>;
  /** False keeps messages out of syslog. */
  readonly syslog?: boolean;
}
