import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { COMPUTES, CONTROLLERS, RUN } from './settings.ts';

interface Event {
  readonly at: number;
  readonly source: string;
  readonly text: string;
}

interface Tail {
  readonly path: string;
  readonly take: (line: string) => void;
  position: number;
  rest: string;
}

/** What of Pacemaker's logs a reader of the time line needs, and how it is said there. */
const PACEMAKER: readonly (readonly [RegExp, string, (match: RegExpExecArray) => string])[] = [
  [/Node (\S+) state is now lost/, 'cluster', (m) => `${m[1]} is lost`],
  [/Node (\S+) state is now member .*source=remote_node_up/, 'cluster', (m) => `${m[1]} is back`],
  [
    /Operation '(\w+)' \[\d+\] targeting (\S+) using (\S+) returned (\d+.*)$/,
    'fencing',
    (m) => `${m[3]} ${m[1]} ${m[2]}: exit ${m[4]}`,
  ],
  [
    /Operation '(\w+)' \[\d+\] targeting (\S+) using (\S+) could not be executed: (.*)$/,
    'fencing',
    (m) => `${m[3]} ${m[1]} ${m[2]}: ${m[4]}`,
  ],
  [
    /\(tengine_stonith_notify\|handle_fence_notification\).*?notice: (Peer \S+ was .*)$/,
    'fencing',
    (m) => String(m[1]),
  ],
  [/notice: (Peer \S+ was (?:not )?(?:terminated|turned).*?) \|/, 'fencing', (m) => String(m[1])],
  [/Setting evacuate\[(\S+)\]: (.*?) \| from/, 'mark', (m) => `evacuate of ${m[1]}: ${m[2]}`],
  [/Setting evacuate\[(\S+)\].*: (\S+ -> \S+)/, 'mark', (m) => `evacuate of ${m[1]}: ${m[2]}`],
  [/Removing all (comp\d) attributes/, 'mark', (m) => `the attribute daemon forgets all of ${m[1]}`],
  [
    /Result of (\w+) operation for nova-evacuate on (\S+): (.*?) \|/,
    'cluster',
    (m) => `nova-evacuate ${m[1]} on ${m[2]}: ${m[3]}`,
  ],
  [
    /\+\+ .*id="nodes-(comp\d)-evacuate" name="evacuate" value="(\w+)"/,
    'mark',
    (m) => `permanent copy of ${m[1]}: ${m[2]}`,
  ],
  [
    /\+ .*nvpair\[@id='nodes-(comp\d)-evacuate'\]: +@value=(\w+)/,
    'mark',
    (m) => `permanent copy of ${m[1]}: ${m[2]}`,
  ],
  [/-- .*nvpair\[@id='nodes-(comp\d)-evacuate'\]/, 'mark', (m) => `permanent copy of ${m[1]}: removed`],
  [
    /NovaEvacuate\(nova-evacuate\)\[\d+\]:?\s+(?:\w{3} \d+ [\d:]+ )?(\w+): (.*)$/,
    'evacuate',
    (m) => `${m[1]}: ${m[2]}`,
  ],
  [
    /NovaCompute\([\w-]+\)\[\d+\]:?\s+(?:\w{3} \d+ [\d:]+ )?(\w+): (.*)$/,
    'compute',
    (m) => `${m[1]}: ${m[2]}`,
  ],
  [
    /Result of (\w+) operation for nova-compute on (\S+): (.*?) \|/,
    'cluster',
    (m) => `nova-compute ${m[1]} on ${m[2]}: ${m[3]}`,
  ],
  [/Setting nova-compute-release\[(\S+)\].*?: .* -> (.*?) \| from/, 'release', (m) => `${m[1]}: ${m[2]}`],
];

/** A sentence of NovaEvacuate about one instance: its beginning, the instance's name, the rest. */
const ABOUT_ONE = /^(\w+: (?:Evacuating|Evacuated|Evacuation of)) (\S+) \([0-9a-f-]{36}\)(.*)$/;

/** What is said of many instances within one second, said once. */
function merged(events: readonly Event[]): Event[] {
  const result: Event[] = [];
  const groups = new Map<string, { names: string[]; rest: string; index: number }>();
  for (const event of events) {
    const [, verb, name, rest = ''] = ABOUT_ONE.exec(event.text) ?? [];
    if (verb === undefined || name === undefined) {
      result.push(event);
      continue;
    }
    const key = `${verb} ${Math.floor(event.at / 1000)}`;
    const group = groups.get(key) ?? { names: [], rest, index: result.push(event) - 1 };
    groups.set(key, group);
    group.names.push(name);
    const first = result[group.index] ?? event;
    const names =
      group.names.length === 1 ? name : `${group.names.length} instances (${group.names.join(', ')})`;
    result[group.index] = { ...first, text: `${verb} ${names}${group.rest}` };
  }
  return result;
}

/** Log lines begin "Nov 21 03:59:27.578 ctl0 daemon [pid] (function) \tseverity: "; the year is this one. */
const STAMP = /^(\w{3} +\d+ \d\d:\d\d:\d\d(?:\.\d+)?) /;

/**
 * One time line of everything: what a scenario does, what the power controllers do, what the cluster's logs say,
 * and what the watchers see. Events are printed in the order of their clocks, two seconds late at most.
 */
export class Timeline {
  private events: Event[] = [];
  private readonly tails: Tail[] = [];
  private readonly recent = new Map<string, number>();
  private readonly begin = Date.now();
  private timer: NodeJS.Timeout | undefined;
  /** Everything the agents under test wrote to the cluster's logs since the start. */
  readonly agentLog: string[] = [];
  /** Nodes whose mark was set since the start. */
  readonly marked = new Set<string>();
  readonly #starts: string[] = [];
  /** How NovaEvacuate's monitor ended when that last changed, as Pacemaker has it: `ok`, `OCF_DEGRADED (…)`. */
  monitorResult = '';
  /** What the power controllers did since the start, as "off comp0 -> ok". */
  readonly powerLog: string[] = [];

  start(): void {
    for (const node of [...CONTROLLERS, ...COMPUTES]) {
      const path = `${RUN}/nodes/${node}/var/log/pacemaker/pacemaker.log`;
      this.tail(path, (line) => this.pacemaker(line));
    }
    this.tail(`${RUN}/bmc/log`, (line) => {
      const match = /^(\d\d:\d\d:\d\d\.\d+) (.*)$/.exec(line);
      if (match === null) return;
      this.powerLog.push(String(match[2]));
      this.add('power', String(match[2]), new Date(`${new Date().toDateString()} ${match[1]}`).getTime());
    });
    this.timer = setInterval(() => {
      this.poll();
      this.flush(Date.now() - 2000);
    }, 250);
  }

  stop(): void {
    clearInterval(this.timer);
    this.poll();
    this.flush(Number.POSITIVE_INFINITY);
  }

  /** How often a resource was started since the scenario began. */
  starts(resource: string): number {
    return this.#starts.filter((r) => r === resource).length;
  }

  add(source: string, text: string, at = Date.now()): void {
    this.events.push({ at, source, text });
  }

  private tail(path: string, take: (line: string) => void): void {
    this.tails.push({ path, take, position: existsSync(path) ? statSync(path).size : 0, rest: '' });
  }

  private poll(): void {
    for (const tail of this.tails) {
      if (!existsSync(tail.path)) continue;
      const file = openSync(tail.path, 'r');
      try {
        const size = fstatSync(file).size;
        if (size <= tail.position) continue;
        const buffer = Buffer.alloc(size - tail.position);
        tail.position += readSync(file, buffer, 0, buffer.length, tail.position);
        const lines = (tail.rest + buffer.toString('utf8')).split('\n');
        tail.rest = lines.pop() ?? '';
        for (const line of lines) tail.take(line);
      } finally {
        closeSync(file);
      }
    }
  }

  private pacemaker(line: string): void {
    if (/Nova(?:Evacuate|Compute)|fence_compute|fence-nova/.test(line)) this.agentLog.push(line);
    const started = /Result of start operation for (\S+) on \S+: ok/i.exec(line)?.[1];
    if (started !== undefined) this.#starts.push(started);
    const monitor = /Result of monitor operation for nova-evacuate on \S+: (.*?) \|/.exec(line)?.[1];
    if (monitor !== undefined) this.monitorResult = monitor === 'OK' ? 'ok' : monitor; // 3.0.3 writes OK
    const marked = /Setting evacuate\[(\S+)\]:? .* -> yes\b/.exec(line)?.[1];
    if (marked !== undefined) this.marked.add(marked);
    const stamp = STAMP.exec(line)?.[1];
    const now = Date.now();
    const logged = stamp === undefined ? now : new Date(`${stamp} ${new Date().getFullYear()}`).getTime();
    // Without a fraction the second began then; this line was written since, and read a moment ago.
    const at = stamp?.includes('.') ? logged : Math.min(now, logged + 999);
    for (const [pattern, source, say] of PACEMAKER) {
      const match = pattern.exec(line);
      if (match === null) continue;
      const text = say(match);
      // Every controller logs what every attribute daemon and fencer is told.
      const last = this.recent.get(text);
      if (last === undefined || Math.abs(at - last) > 1500) this.add(source, text, at);
      this.recent.set(text, at);
      return;
    }
  }

  private flush(until: number): void {
    const ready = this.events.filter((e) => e.at <= until).sort((a, b) => a.at - b.at);
    this.events = this.events.filter((e) => e.at > until);
    for (const { at, source, text } of merged(ready)) {
      const clock = new Date(at).toTimeString().slice(0, 8);
      const ms = String(at % 1000).padStart(3, '0');
      const elapsed = `${((at - this.begin) / 1000).toFixed(1)}s`.padStart(7);
      process.stdout.write(`# ${clock}.${ms} ${elapsed}  ${source.padEnd(9)} ${text}\n`);
    }
  }
}
