import { createSyslog, type SyslogPriority } from '../syslog/index.ts';
import { errorCode } from '../system/errno.ts';
import { appendText } from '../system/files.ts';
import { hideSecrets } from '../system/secrets.ts';
import { oneLine } from '../system/text.ts';
import { FenceError, type FenceIo, type FenceLog } from './declarations.ts';

type Level = 'ERROR' | 'WARNING' | 'INFO' | 'DEBUG';

const PRIORITIES: Readonly<Record<Level, SyslogPriority>> = {
  ERROR: 'err',
  WARNING: 'warning',
  INFO: 'info',
  DEBUG: 'debug',
};

export interface FenceLogSetup {
  readonly ident: string;
  readonly env: NodeJS.ProcessEnv;
  readonly io: FenceIo;
  /** Nothing on stderr. */
  readonly quiet: boolean;
  /** Everything; else warnings and errors only. */
  readonly verbose: boolean;
  /** File that gets the same lines; `''` for none. */
  readonly debugFile: string;
  readonly syslog: boolean;
  readonly now: () => number;
}

export interface FenceLogger extends FenceLog {
  flush(): Promise<void>;
}

/**
 * Logs as fence-agents does: lines `YYYY-MM-DD HH:MM:SS,mmm LEVEL: message` on stderr (unless `quiet`) and in the debug
 * file, and to syslog, facility user. Pacemaker's fencer copies stderr into its log, line by line.
 *
 * @throws FenceError when the debug file cannot be written
 */
export function createFenceLog(setup: FenceLogSetup): FenceLogger {
  const syslog = setup.syslog ? createSyslog({ tag: setup.ident, facility: 'user', env: setup.env }) : null;
  if (setup.debugFile !== '') {
    try {
      appendText(setup.debugFile, '');
    } catch (error) {
      const code = errorCode(error);
      // A FIFO that nobody reads is there; whoever reads it later gets what is written then.
      if (code !== 'ENXIO') {
        const why = code === '' ? '' : ` (${code})`;
        throw new FenceError(`Unable to create file ${setup.debugFile}${why}`, { cause: error });
      }
    }
  }
  const write = (level: Level, message: string): void => {
    const text = `${level}: ${oneLine(hideSecrets(message))}`;
    const line = `${timestamp(setup.now())} ${text}\n`;
    if (!setup.quiet) setup.io.stderr.write(line);
    syslog?.write(PRIORITIES[level], text);
    if (setup.debugFile === '') return;
    try {
      appendText(setup.debugFile, line);
    } catch {
      // A full disk must not stop fencing; stderr and syslog have the line.
    }
  };
  return {
    error: (message) => write('ERROR', message),
    warn: (message) => write('WARNING', message),
    info: (message) => {
      if (setup.verbose) write('INFO', message);
    },
    debug: (message) => {
      if (setup.verbose) write('DEBUG', message);
    },
    flush: async () => syslog?.flush(),
  };
}

/** `2026-11-21 03:46:17,063`, in local time. */
function timestamp(now: number): string {
  const date = new Date(now);
  const pad = (number: number, width = 2): string => String(number).padStart(width, '0');
  const day = [date.getFullYear(), pad(date.getMonth() + 1), pad(date.getDate())].join('-');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => pad(part)).join(':');
  return `${day} ${time},${pad(date.getMilliseconds(), 3)}`;
}
