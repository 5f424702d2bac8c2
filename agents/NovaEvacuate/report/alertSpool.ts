import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../../../lib/system/files.ts';

/** The variables that tell a program what happened: all of {@link alertVariables}, by their names. */
export type AlertFacts = Readonly<Record<string, string>>;

const prefix = 'OS_ALERT_';
/** `TIME-PID-NUMBER.json`: in the order they came, and of one pass or another. */
const namePattern = /^\d{15}-\d+-\d{6}\.json$/;

/**
 * The alerts that wait for their program, a small file each, in `INSTANCE.alerts` of the state directory: a pass puts
 * them there, {@link runAlerts} takes them out, in a process of its own. Both may be killed at any moment.
 */
export class AlertSpool {
  readonly directory: string;
  readonly #failureFile: string;
  #number = 0;

  constructor(stateDir: string, instance: string) {
    this.directory = join(stateDir, `${instance}.alerts`);
    this.#failureFile = join(this.directory, 'failure');
  }

  /** Throws what the file system says. */
  put(facts: AlertFacts, now: number): void {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    this.#number += 1;
    const time = String(Math.trunc(now)).padStart(15, '0');
    const name = `${time}-${process.pid}-${String(this.#number).padStart(6, '0')}.json`;
    replaceFile(join(this.directory, name), JSON.stringify(facts), 0o600);
  }

  waiting(): number {
    return this.#names().length;
  }

  /**
   * The oldest, taken out: an alert is lost, rather than repeated, when its program's process is killed with it. Null
   * when none waits. Throws what the file system says.
   */
  take(): AlertFacts | null {
    for (const name of this.#names().sort()) {
      const file = join(this.directory, name);
      const text = readFileSync(file, 'utf8');
      rmSync(file);
      const facts = parseFacts(text);
      if (facts !== null) return facts;
    }
    return null;
  }

  /** How the program failed last, as {@link keepFailure} kept it; `''` when it did not. */
  failure(): string {
    try {
      return readFileSync(this.#failureFile, 'utf8');
    } catch {
      return '';
    }
  }

  /** Keeps how the program failed, so that the same is not said again; `''` once it works. */
  keepFailure(failure: string): void {
    try {
      if (failure === '') rmSync(this.#failureFile, { force: true });
      else replaceFile(this.#failureFile, failure, 0o600);
    } catch {
      // Then it is said again.
    }
  }

  #names(): string[] {
    try {
      return readdirSync(this.directory).filter((name) => namePattern.test(name));
    } catch {
      return [];
    }
  }
}

/** Nothing but our own variables gets into a program's environment. */
function parseFacts(text: string): AlertFacts | null {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof data !== 'object' || data === null) return null;
  const entries = Object.entries(data).filter(
    (entry): entry is [string, string] => entry[0].startsWith(prefix) && typeof entry[1] === 'string',
  );
  return entries.length > 0 ? Object.fromEntries(entries) : null;
}
