import { createSyslog, type SyslogPriority } from '../syslog/index.ts';
import { appendText } from '../system/files.ts';
import { hideSecrets } from '../system/secrets.ts';
import { oneLine } from '../system/text.ts';
import type { OcfIo, OcfLog } from './types.ts';

type Level = 'error' | 'warn' | 'notice' | 'info' | 'debug';

/** The words `ocf_log` puts in front of a message, and syslog's names of the priorities. */
const WORDS: Readonly<Record<Level, string>> = {
  error: 'ERROR',
  warn: 'WARNING',
  notice: 'NOTICE',
  info: 'INFO',
  debug: 'DEBUG',
};
/** As members of JSON lines have them. */
const LEVELS: Readonly<Record<Level, string>> = {
  error: 'error',
  warn: 'warning',
  notice: 'notice',
  info: 'info',
  debug: 'debug',
};
const PRIORITIES: Readonly<Record<Level, SyslogPriority>> = {
  error: 'err',
  warn: 'warning',
  notice: 'notice',
  info: 'info',
  debug: 'debug',
};

export interface OcfLogSetup {
  readonly agentName: string;
  readonly instance: string;
  readonly env: NodeJS.ProcessEnv;
  readonly io: OcfIo;
  /** A person at a terminal: messages go there and nowhere else. */
  readonly interactive: boolean;
  readonly debug: boolean;
  /** `json`: each line is one JSON object, wherever it goes, and nothing stands before it. */
  readonly format: 'text' | 'json';
  readonly now: () => number;
}

export interface OcfLogger extends OcfLog {
  /** An exit reason: it stands on stderr already, so it goes to syslog and log file only. */
  reason(message: string, level: 'error' | 'warn' | 'info'): void;
  /** Waits, for a bounded time, until syslog has everything. */
  flush(): Promise<void>;
}

/**
 * Logs as `ocf_log` of resource-agents does: to the terminal where there is one; else to syslog when
 * `HA_LOGFACILITY` names a facility and to the file `HA_LOGFILE`, and to stderr only when neither is set (Pacemaker's
 * executor copies an agent's stderr into its own log, so that writing both would show each message twice), or when
 * neither takes the message. Nothing here waits for anybody, but for the two seconds that `flush` grants syslog.
 */
export function createOcfLog(setup: OcfLogSetup): OcfLogger {
  const { env } = setup;
  const tag = env['HA_LOGTAG'] || `${setup.agentName}(${setup.instance})[${process.pid}]`;
  const facility =
    env['HA_LOGFACILITY'] === undefined || env['HA_LOGFACILITY'] === 'none' ? '' : env['HA_LOGFACILITY'];
  const file = env['HA_LOGFILE'] ?? '';
  const debugFile = env['HA_DEBUGLOG'] ?? '';
  const syslog = createSyslog({ tag, facility, env });

  const write = (level: Level, message: string, fields: object, alsoStderr: boolean): void => {
    if (level === 'debug' && !setup.debug) return;
    const json = setup.format === 'json';
    const text = json ? jsonLine(level, message, fields) : `${WORDS[level]}: ${tellable(message)}`;
    if (setup.interactive) {
      if (alsoStderr) setup.io.stderr.write(`${text}\n`);
      return;
    }
    const date = json ? '' : `${logDate(setup.now())} `;
    const target = level === 'debug' ? debugFile || file : file;
    const inFile = target !== '' && append(target, json ? `${text}\n` : `${date}${tag}: ${text}\n`);
    const toStderr = (): void => {
      if (!inFile && alsoStderr) setup.io.stderr.write(`${date}${text}\n`);
    };
    if (facility === '' || !syslog.write(PRIORITIES[level], text, toStderr)) toStderr();
  };
  const jsonLine = (level: Level, message: string, fields: object): string => {
    const members = {
      time: new Date(setup.now()).toISOString(),
      level: LEVELS[level],
      agent: setup.agentName,
      resource: setup.instance,
      message: tellable(message),
    };
    const about = Object.fromEntries(
      Object.entries(fields).flatMap(([name, value]) =>
        typeof value === 'string' ? [[name, hideSecrets(value)]] : [],
      ),
    );
    // Ours stand first, and count where a field bears the same name.
    return JSON.stringify({ ...members, ...about, ...members });
  };

  return {
    error: (message, fields = {}) => write('error', message, fields, true),
    warn: (message, fields = {}) => write('warn', message, fields, true),
    notice: (message, fields = {}) => write('notice', message, fields, true),
    info: (message, fields = {}) => write('info', message, fields, true),
    debug: (message, fields = {}) => write('debug', message, fields, true),
    reason: (message, level) => write(level, message, {}, false),
    flush: () => syslog.flush(),
  };
}

/** As it may be shown: without secrets, on one line. */
function tellable(text: string): string {
  return oneLine(hideSecrets(text));
}

function append(file: string, line: string): boolean {
  try {
    appendText(file, line);
    return true;
  } catch {
    // The executor's log file is not writable for everyone who may call an agent by hand; a disk is full; a FIFO has no
    // reader.
    return false;
  }
}

/** `Nov 21 03:38:37`, in local time, as `date "+%b %d %T"` prints it in the C locale. */
function logDate(now: number): string {
  const date = new Date(now);
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  const two = (number: number): string => String(number).padStart(2, '0');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${months[date.getMonth()]} ${two(date.getDate())} ${time}`;
}
