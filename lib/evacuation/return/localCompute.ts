/** nova-compute on this very machine, as whoever manages it (NovaCompute, or nobody yet) can see and start it. */
export interface LocalCompute {
  /** Whether it runs, by what the machine itself says; Nova is not asked. */
  isRunning(): Promise<boolean>;
  /**
   * Starts it and returns once it has stayed alive for a moment. Throws {@link ComputeError} when it cannot be started
   * or dies at once. Called only when no evacuation away from this host can be in flight (I3).
   */
  start(): Promise<void>;
}

/** nova-compute could not be started, stopped or looked at. The message is a sentence for the operator. */
export class ComputeError extends Error {
  override readonly name = 'ComputeError';
}
