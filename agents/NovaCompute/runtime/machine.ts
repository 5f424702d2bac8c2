/** What a command printed and how it ended. */
export interface CommandOutcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process to be launched that outlives the agent. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** stdout and stderr are appended to this file. */
  readonly output: OutputFile;
}

/** A file that a launched process writes to; made when it is not there (mode 0640). */
export interface OutputFile {
  readonly path: string;
  /** A line written before the process starts, so that what follows can be told from older lines. */
  readonly header: string;
  /** Whom the file is to belong to; null leaves it with whoever runs the agent. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
}

/** The machine as the runtimes see it: the only place where they touch anything outside this process. */
export interface Machine {
  /**
   * Runs a command, found on the usual directories, to its end: no shell, an environment of its own, nothing on stdin.
   * Throws `ComputeError` when it cannot be run, or does not end within `timeoutMs` (it is killed then).
   */
  run(command: string, args: readonly string[], timeoutMs: number): Promise<CommandOutcome>;
  /** The path of a program on the usual directories, or null. */
  findProgram(name: string): string | null;
  /**
   * Launches a process in a session of its own that neither needs nor holds anything of the agent's. Gives its pid.
   * Throws `ComputeError` when it cannot be launched.
   */
  launch(what: Launch): Promise<number>;
  /** The text of a file, or null when it is not there. Other trouble throws what the file system says. */
  read(path: string): string | null;
  /** The names in a directory, sorted; empty when it is not there. Other trouble throws. */
  list(path: string): readonly string[];
  exists(path: string): boolean;
  /** Where a symbolic link points to; null when it cannot be read. */
  readLink(path: string): string | null;
  /** The last `bytes` of a plain file, or null when it is none, or not there. Other trouble throws. */
  tail(path: string, bytes: number): string | null;
  /** Replaces a file at once (written beside it and renamed); makes its directory. */
  write(path: string, text: string): void;
  /** Removes a file; one that is not there is fine. */
  remove(path: string): void;
  /** When a file was last written, in ms since the epoch; null when it is not there. */
  modifiedAt(path: string): number | null;
  /** Sends a signal; false when there is no such process. */
  kill(pid: number, signal: 'SIGTERM' | 'SIGKILL'): boolean;
  /** The directories programs are looked for in, as a PATH. */
  readonly path: string;
  /** The user the agent runs as. */
  readonly uid: number;
  /** Ms since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
}
