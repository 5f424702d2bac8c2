import type { Machine } from './machine.ts';
import type { Runtime, RuntimeName } from './types.ts';

/** What the operator says about how nova-compute runs here. */
export interface RuntimeSettings {
  readonly runtime: 'auto' | RuntimeName;
  /** The systemd unit; null: the first known one that exists. */
  readonly unit: string | null;
  /** The container; null: `nova_compute`, its name in TripleO and Kolla. */
  readonly container: string | null;
  /** Whom a process of our own runs as. */
  readonly user: string;
  /** `HA_RSCTMP`, for the pid file. */
  readonly stateDir: string;
  /** `OCF_RESOURCE_INSTANCE`. */
  readonly instance: string;
}

/** There is nothing here that could be managed as the settings say. */
export interface MissingRuntime {
  readonly kind: 'missing';
  readonly sentence: string;
}

/**
 * The runtime that nova-compute has on this machine. `auto` takes what runs (unit, container, process), else what
 * could be started (container, unit, program). Throws `ComputeError` when a tool that would have to tell does not.
 */
export async function findRuntime(
  _settings: RuntimeSettings,
  _machine: Machine,
): Promise<Runtime | MissingRuntime> {
  throw new Error('not written yet');
}
