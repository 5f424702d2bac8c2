/** What nova-compute can run as. */
export type RuntimeName = 'process' | 'systemd' | 'podman' | 'docker';

/** Whether nova-compute runs, by what the machine itself says. The sentences say what was looked at. */
export type RuntimeState =
  /** `since`: when it was started, in ms since the epoch; null where that is not told. */
  | { readonly kind: 'running'; readonly since: number | null; readonly sentence: string }
  | { readonly kind: 'stopped'; readonly sentence: string }
  /** There is nothing here that could be started: no program, no unit, no container. */
  | { readonly kind: 'missing'; readonly sentence: string };

/** nova-compute as one of the ways to run it. Every method that fails throws `ComputeError` with a plain sentence. */
export interface Runtime {
  readonly name: RuntimeName;
  /** For sentences: `container nova_compute (podman)`, `unit openstack-nova-compute.service`, `process of user nova`. */
  readonly title: string;
  state(): Promise<RuntimeState>;
  /**
   * Starts it; returns as soon as it was launched, without waiting to see whether it stays. What comes before it (a unit's
   * ExecStartPre=, an image) has until `deadline`, in ms since the epoch.
   */
  start(deadline: number): Promise<void>;
  /** Asks it to end, and ends it by force in time for `deadline` (ms since the epoch). One that is not there is fine. */
  stop(deadline: number): Promise<void>;
  /** The last lines that it wrote, newest last; empty when they cannot be had. */
  lastLines(count: number): Promise<readonly string[]>;
  /**
   * Where the nova.conf that it reads lies on this machine, in the order in which oslo.config reads them. Throws
   * `NovaConfError` too, where a container is given none.
   */
  configFiles(): Promise<ConfigFiles>;
  /** The mounts that nova-compute sees, as proc(5) mountinfo; null when that cannot be told (a container at rest). */
  mountInfo(): Promise<string | null>;
}

/** Files and directories as `--config-file` and `--config-dir` name them, seen from this machine. */
export interface ConfigFiles {
  readonly files: readonly string[];
  /** Each is read as `*.conf`, sorted, after the files. */
  readonly directories: readonly string[];
}
