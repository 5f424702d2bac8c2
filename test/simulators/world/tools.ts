import { boundMs } from '../../../lib/attrd/command.ts';
import { AttrdError, type CommandResult, type CommandRunner } from '../../../lib/attrd/index.ts';
import { type FakePacemaker, failed } from './fakePacemaker.ts';
import type { Process, VirtualTime } from './virtualTime.ts';

/** What goes wrong with one call of a tool. */
export interface ToolTrouble {
  /** It takes so much longer, ms. */
  readonly lateMs?: number;
  /** It does nothing and answers this. */
  readonly answer?: CommandResult;
  /** It does not end, and is stopped when its time is over; `after` it had done its work. */
  readonly hangs?: 'before' | 'after';
}

/** Pacemaker's tools on the machines of a site. */
export class Tools {
  /** How long a call takes, ms. */
  latency: () => number = () => 12;
  /** What goes wrong with the next call. */
  trouble: (tool: string, args: readonly string[]) => ToolTrouble = () => ({});
  /** The partition has no quorum: the CIB takes no changes. attrd does, as it is not asked for quorum. */
  refusesCibWrites = false;
  readonly #time: VirtualTime;
  readonly #pacemaker: FakePacemaker;
  readonly #called: (line: string) => void;
  readonly #done: () => void;

  /** `called`, `done`: told of each command line, and that it has had its effect. */
  constructor(time: VirtualTime, pacemaker: FakePacemaker, called: (line: string) => void, done: () => void) {
    this.#time = time;
    this.#pacemaker = pacemaker;
    this.#called = called;
    this.#done = done;
  }

  /** As a process calls them: a call does its work even when the process is killed meanwhile. */
  for(process: Process, timeoutMs = 10_000): CommandRunner {
    return (tool, args) =>
      new Promise((resolve, reject) => {
        const boundedMs = boundMs(timeoutMs, process.toolsUntil - process.now());
        const trouble = this.trouble(tool, args);
        const takes = this.latency() + (trouble.lateMs ?? 0);
        const stopped = this.#time.after(boundedMs, () => {
          if (!process.alive) return;
          const after = `${tool} did not end within ${Math.round(boundedMs / 100) / 10} s and was stopped`;
          reject(new AttrdError('timeout', after));
        });
        if (trouble.hangs === 'before' || takes / 2 > boundedMs) return;
        this.#time.after(takes / 2, () => {
          this.#called(`${tool} ${args.join(' ')}`);
          this.#carryOut(tool, args, trouble).then((result) => {
            this.#done();
            if (trouble.hangs === 'after' || takes > boundedMs) return;
            this.#time.after(takes / 2, () => {
              stopped();
              if (process.alive) resolve(result);
            });
          }, reject);
        });
      });
  }

  async #carryOut(tool: string, args: readonly string[], { answer }: ToolTrouble): Promise<CommandResult> {
    if (answer !== undefined) return answer;
    if (this.refusesCibWrites && writesCib(tool, args)) {
      // CRM_EX_QUORUM and the text of pcmk_rc_no_quorum (include/crm/common/results.h, lib/common/results.c).
      return failed(106, `${tool}: Error performing operation: Operation requires quorum`);
    }
    return this.#pacemaker.run(tool, args);
  }
}

/** Whether a command line changes the CIB. */
export function writesCib(tool: string, args: readonly string[]): boolean {
  const has = (...flags: readonly string[]) => flags.some((flag) => args.includes(flag));
  if (tool === 'crm_attribute') return has('-v', '-D', '--update', '--delete');
  return (
    tool === 'cibadmin' &&
    has('--modify', '--delete', '--replace', '--create', '--patch', '-M', '-D', '-d', '-R', '-C', '-P')
  );
}
