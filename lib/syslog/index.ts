/**
 * Syslog through `logger` (util-linux). Node has no datagram sockets of the local kind, so /dev/log cannot be
 * written from here; and nothing is started before the first message, as most runs of an agent have none.
 */

/** What one message may take, and what is queued when the process ends gets in all, in ms. */
const FLUSH_MS = 2000;
/** What a runaway loop may queue before lines are dropped. */
const MAX_QUEUED = 10_000;

/**
 * `logger` (util-linux 2.26 and later) cuts a message off after 1 KiB unless told otherwise, which would leave half of a
 * JSON object; in characters here, of which some take several bytes. 8 KiB is what rsyslog takes by default.
 */
const LOGGER_SIZE = 300;
const MAX_SIZE = 8192;

/** Those that `logger` knows (syslog(3)). With another it says so on its stderr and logs nothing. */
const FACILITIES: ReadonlySet<string> = new Set(
  `auth authpriv cron daemon ftp kern lpr mail news security syslog user uucp
   local0 local1 local2 local3 local4 local5 local6 local7`.split(/\s+/),
);

export type SyslogPriority = 'err' | 'warning' | 'notice' | 'info' | 'debug';

export interface Syslog {
  /**
   * Queues one line; false when it was dropped, or when syslog is known not to work. `lost` is called if the line turns out
   * not to have been taken: `logger` is not there, fails, or hangs. Never throws.
   */
  write(priority: SyslogPriority, line: string, lost?: () => void): boolean;
  /** Waits, for a bounded time, until everything queued was delivered; what was not by then is lost. */
  flush(): Promise<void>;
}

/**
 * One process at a time, so that messages keep their order. A `logger` that does not take one message is not given
 * another: each might cost two seconds of the action's time.
 */
export function createSyslog(target: {
  readonly tag: string;
  /** `daemon`, `local7`, `user` …; one that there is not counts as `daemon`, Pacemaker's default. */
  readonly facility: string;
  readonly env: NodeJS.ProcessEnv;
}): Syslog {
  const env = { PATH: [target.env['PATH'], '/usr/bin', '/bin'].filter(Boolean).join(':') };
  const facility = FACILITIES.has(target.facility.toLowerCase()) ? target.facility : 'daemon';
  /** What is to be done for each line under way if it does not arrive. */
  const underWay = new Set<() => void>();
  let works = true;
  let chain: Promise<void> = Promise.resolve();
  /** Whether the line was taken. */
  const send = async (priority: SyslogPriority, line: string): Promise<boolean> => {
    // Loaded for the first message only: meta-data and most idle passes have none.
    const { spawn } = await import('node:child_process');
    return new Promise((resolve) => {
      const args = [
        ...(line.length > LOGGER_SIZE ? ['-S', String(MAX_SIZE)] : []),
        '-t',
        target.tag,
        '-p',
        `${facility}.${priority}`,
        '--',
        line.replaceAll('\0', '?'),
      ];
      const child = spawn('logger', args, { stdio: 'ignore', env });
      const end = (taken: boolean): void => {
        clearTimeout(timer);
        resolve(taken);
      };
      // Not the timeout of spawn: that waits for the end of a process which may not die of SIGKILL (a hung disk).
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        child.unref();
        end(false);
      }, FLUSH_MS);
      child.once('error', () => end(false));
      child.once('close', (code) => end(code === 0));
    });
  };
  const giveUp = (): void => {
    works = false;
    const all = [...underWay];
    underWay.clear();
    for (const lost of all) lost();
  };
  return {
    write(priority, line, lost = () => undefined) {
      if (!works || underWay.size >= MAX_QUEUED) return false;
      // A function of its own for each line, which tells lines apart.
      const own = (): void => lost();
      underWay.add(own);
      chain = chain
        .then(async () => {
          // What was given up meanwhile has been told elsewhere.
          if (!underWay.has(own)) return;
          if (await send(priority, line)) underWay.delete(own);
          else giveUp();
        })
        .catch(giveUp);
      return true;
    },
    async flush() {
      if (underWay.size === 0) return;
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, FLUSH_MS);
      });
      await Promise.race([chain, limit]);
      clearTimeout(timer);
      if (underWay.size > 0) giveUp();
    },
  };
}
