/**
 * Syslog through `logger` (util-linux). Node has no datagram sockets of the local kind, so /dev/log cannot be
 * written from here; and nothing is started before the first message, as most runs of an agent have none.
 */

/** What is queued when the process ends gets this long in all, in ms. */
const FLUSH_MS = 2000;
/** What a runaway loop may queue before lines are dropped. */
const MAX_QUEUED = 10_000;

/**
 * `logger` (util-linux 2.26 and later) cuts a message off after 1 KiB unless told otherwise, which would leave half of a
 * JSON object; in characters here, of which some take several bytes. 8 KiB is what rsyslog takes by default.
 */
const LOGGER_SIZE = 300;
const MAX_SIZE = 8192;

export type SyslogPriority = 'err' | 'warning' | 'notice' | 'info' | 'debug';

export interface Syslog {
  /** Queues one line; false when it was dropped. Never throws. */
  write(priority: SyslogPriority, line: string): boolean;
  /** Waits, for a bounded time, until everything queued was delivered. */
  flush(): Promise<void>;
}

/** One process at a time, so that messages keep their order. A machine without `logger` loses them quietly. */
export function createSyslog(target: {
  readonly tag: string;
  /** `daemon`, `local7`, `user` … */
  readonly facility: string;
  readonly env: NodeJS.ProcessEnv;
}): Syslog {
  const env = { PATH: [target.env['PATH'], '/usr/bin', '/bin'].filter(Boolean).join(':') };
  let queued = 0;
  let chain: Promise<void> = Promise.resolve();
  const send = async (priority: SyslogPriority, line: string): Promise<void> => {
    // Loaded for the first message only: meta-data and most idle passes have none.
    const { spawn } = await import('node:child_process');
    return new Promise((resolve) => {
      const args = [
        ...(line.length > LOGGER_SIZE ? ['-S', String(MAX_SIZE)] : []),
        '-t',
        target.tag,
        '-p',
        `${target.facility}.${priority}`,
        '--',
        line.replaceAll('\0', '?'),
      ];
      const child = spawn('logger', args, {
        stdio: 'ignore',
        env,
        timeout: FLUSH_MS,
        killSignal: 'SIGKILL',
      });
      child.once('error', () => resolve());
      child.once('close', () => resolve());
    });
  };
  return {
    write(priority, line) {
      if (queued >= MAX_QUEUED) return false;
      queued += 1;
      chain = chain
        .then(() => send(priority, line))
        .catch(() => undefined)
        .finally(() => {
          queued -= 1;
        });
      return true;
    },
    async flush() {
      if (queued === 0) return;
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, FLUSH_MS);
      });
      await Promise.race([chain, limit]);
      clearTimeout(timer);
    },
  };
}
