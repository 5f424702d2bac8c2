import type { CommandOutcome, Launch, Machine } from '../../../../agents/NovaCompute/runtime/machine.ts';
import { ComputeError } from '../../../../lib/evacuation/return/localCompute.ts';

export interface FakeProcess {
  readonly argv: readonly string[];
  readonly uid?: number;
  readonly parent?: number;
  readonly session?: number;
  readonly state?: string;
  readonly startTicks?: number;
  readonly cgroup?: string;
  /** Inode numbers of its namespaces, where they are not this machine's own. */
  readonly namespaces?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly mountInfo?: string;
  /** What it does about SIGTERM; default: it ends. */
  readonly onTerm?: 'ends' | 'ignores' | 'lingers';
}

export const BOOT = '11111111-2222-3333-4444-555555555555';
/** 2026-01-01T00:00:00Z */
export const BOOTED_AT = 1_767_225_600_000;
/** A minute after the time at which a fake machine begins. */
export const IN_A_MINUTE = BOOTED_AT + 3_660_000;
const NAMESPACES: Readonly<Record<string, string>> = { pid: '1', mnt: '2', net: '3' };

type Answer = CommandOutcome | string | Error;

/** A machine in memory: a /proc tree made of processes, files, commands that answer as told, a clock of its own. */
export class FakeMachine implements Machine {
  readonly path = '/usr/sbin:/usr/bin';
  uid = 0;
  time = BOOTED_AT + 3_600_000;
  readonly files = new Map<string, string>();
  readonly processes = new Map<number, FakeProcess>();
  readonly programs = new Set<string>();
  /** Command lines that were run, in order. */
  readonly ran: string[] = [];
  readonly signals: string[] = [];
  readonly launched: Launch[] = [];
  /** What a launch brings to life; null: it ends at once. */
  becomes: ((pid: number, what: Launch) => FakeProcess | null) | undefined;
  #answers: { readonly match: RegExp; readonly give: () => Answer }[] = [];
  #later: { readonly at: number; readonly act: () => void }[] = [];
  /** When files were last written, where that is not now. */
  readonly modified = new Map<string, number>();
  /** Paths that nobody may read. */
  readonly forbidden = new Set<string>();

  constructor() {
    this.files.set(
      '/etc/passwd',
      'root:x:0:0:root:/root:/bin/bash\nnova:x:64060:64061::/var/lib/nova:/bin/false\n',
    );
    this.files.set('/proc/stat', `cpu 1 2 3\nbtime ${BOOTED_AT / 1000}\nprocesses 9\n`);
    this.files.set('/proc/sys/kernel/random/boot_id', `${BOOT}\n`);
    this.files.set('/proc/self/cgroup', '0::/system.slice/pacemaker_remote.service\n');
    this.files.set('/proc/self/mountinfo', '1 0 8:1 / / rw - ext4 /dev/sda1 rw\n');
  }

  install(...names: readonly string[]): this {
    for (const name of names) this.programs.add(name);
    return this;
  }

  /** The latest rule that fits a command line wins; a command that none fits is an error of the test. */
  answer(match: RegExp, give: Answer | (() => Answer)): this {
    this.#answers.unshift({ match, give: typeof give === 'function' ? give : () => give });
    return this;
  }

  after(ms: number, act: () => void): void {
    this.#later.push({ at: this.time + ms, act });
  }

  async run(command: string, args: readonly string[], timeoutMs: number): Promise<CommandOutcome> {
    const line = [command, ...args].join(' ');
    this.ran.push(line);
    const rule = this.#answers.find(({ match }) => match.test(line));
    if (rule === undefined) throw new Error(`nobody told what "${line}" answers`);
    const answer = rule.give();
    if (answer instanceof Error) {
      if (answer.message === 'hangs') {
        await this.sleep(timeoutMs);
        throw new ComputeError(`${command} did not end within ${timeoutMs / 1000} s and was stopped.`);
      }
      throw answer;
    }
    return typeof answer === 'string' ? { exitCode: 0, stdout: answer, stderr: '' } : answer;
  }

  findProgram(name: string): string | null {
    return this.programs.has(name) ? `/usr/bin/${name}` : null;
  }

  async launch(what: Launch): Promise<number> {
    this.launched.push(what);
    const pid = 5_000 + this.launched.length;
    const process = this.becomes?.(pid, what) ?? null;
    if (process !== null) {
      this.processes.set(pid, { startTicks: this.ticks(), session: pid, ...process });
    }
    return pid;
  }

  /** Clock ticks since the boot, now. */
  ticks(): number {
    return Math.floor((this.time - BOOTED_AT) / 10);
  }

  read(path: string): string | null {
    if (this.forbidden.has(path)) throw Object.assign(new Error(`EACCES: ${path}`), { code: 'EACCES' });
    const match = /^\/proc\/(\d+)\/(\w+)$/.exec(path);
    if (match === null) return this.files.get(path) ?? null;
    const pid = Number(match[1]);
    const process = this.processes.get(pid);
    if (process === undefined) return null;
    const { session = 1, parent = 1, state = 'S', startTicks = 1_000, uid = 0 } = process;
    const fields = [state, parent, session, session, ...Array<number>(15).fill(0), startTicks, 0, 0];
    switch (match[2]) {
      case 'stat':
        return `${pid} (nova ) (x) ${fields.join(' ')}\n`;
      case 'status':
        return `Name:\tx\nState:\t${state}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nGid:\t1\n`;
      case 'cmdline':
        return state === 'Z' ? '' : `${process.argv.join('\0')}\0`;
      case 'cgroup':
        return process.cgroup ?? this.files.get('/proc/self/cgroup') ?? '';
      case 'mountinfo':
        return process.mountInfo ?? null;
      default:
        return null;
    }
  }

  list(path: string): readonly string[] {
    if (path === '/proc') return ['cpuinfo', 'self', ...[...this.processes.keys()].map(String)];
    return [...this.files.keys()]
      .filter((file) => file.startsWith(`${path}/`) && !file.slice(path.length + 1).includes('/'))
      .map((file) => file.slice(path.length + 1))
      .sort();
  }

  exists(path: string): boolean {
    return [...this.files.keys()].some((file) => file === path || file.startsWith(`${path}/`));
  }

  readLink(path: string): string | null {
    const match = /^\/proc\/(\d+|self)\/(?:ns\/(\w+)|(cwd))$/.exec(path);
    if (match === null) return null;
    const process = match[1] === 'self' ? { argv: [] } : this.processes.get(Number(match[1]));
    if (process === undefined) return null;
    if (match[3] !== undefined) return process.cwd ?? '/';
    const kind = match[2] ?? '';
    return `${kind}:[${process.namespaces?.[kind] ?? NAMESPACES[kind]}]`;
  }

  tail(path: string, bytes: number): string | null {
    return this.files.get(path)?.slice(-bytes) ?? null;
  }

  write(path: string, text: string): void {
    this.files.set(path, text);
  }

  remove(path: string): void {
    this.files.delete(path);
  }

  modifiedAt(path: string): number | null {
    return this.files.has(path) ? (this.modified.get(path) ?? this.time) : null;
  }

  kill(pid: number, signal: 'SIGTERM' | 'SIGKILL'): boolean {
    const process = this.processes.get(pid);
    if (process === undefined) return false;
    this.signals.push(`${signal} ${pid}`);
    if (signal === 'SIGKILL') this.processes.delete(pid);
    else if (process.onTerm === 'lingers') this.after(30_000, () => this.processes.delete(pid));
    else if (process.onTerm !== 'ignores') this.after(200, () => this.processes.delete(pid));
    return true;
  }

  now(): number {
    return this.time;
  }

  async sleep(ms: number): Promise<void> {
    this.time += ms;
    const due = this.#later.filter(({ at }) => at <= this.time);
    this.#later = this.#later.filter(({ at }) => at > this.time);
    for (const { act } of due) act();
  }
}

/** A command that fails. */
export function failure(exitCode: number, stderr: string): CommandOutcome {
  return { exitCode, stdout: '', stderr };
}
