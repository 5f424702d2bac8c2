import type { Host, Migration, Server } from './model.ts';

/** What sentences are held against. */
export interface Truth {
  readonly hosts: ReadonlyMap<string, Host>;
  readonly servers: ReadonlyMap<string, Server>;
  readonly migrations: readonly Migration[];
  /** Its instances that have to leave a host, and are still there. */
  mustLeave(host: string): readonly Server[];
  /** When the fencing of a host was reported last, on Nova's clock; null: never. */
  fencedAt(host: string): number | null;
  /** When it came to bear the mark that it bears, or bore last: a host may be fenced again while it waits. */
  markedSince(host: string): number | null;
  /** When its mark became that of another failure. */
  renewedAt(host: string): number;
  /** Its instances that were seen to arrive elsewhere since then, on no clock that anybody sets, those deleted since among them. */
  arrivedFrom(host: string): number;
  /** Whether it was seen to arrive there, though it was deleted since. */
  hasArrived(id: string, from: string, to: string): boolean;
  /** Whether the evacuation of a host is paused, or was until some seconds ago. */
  isPaused(host: string): boolean;
  /** Whether the numbers of instances are judged as well, and not the rest alone. */
  readonly judgesCounts: boolean;
  /** Nova's host of a node. */
  hostOf(name: string): string;
}

/** Who counts from when a host was fenced may be off by so much; ms. */
export const countMarginMs = 15_000;

const title = /([^\s;,:]+) \(([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\)/g;

type Rule = readonly [pattern: RegExp, judge: (words: RegExpExecArray, truth: Truth) => string | null];

const rules: readonly Rule[] = [
  [
    /^Completed evacuation of (\S+): (\d+) of (\d+) instances evacuated(, (\d+) left there)?/,
    ([, host = '', done, total, , left = '0'], truth) => {
      const waiting = truth.mustLeave(host);
      if (waiting.length > 0) return `${waiting.map(({ name }) => name).join(', ')} must still leave`;
      const stay = [...truth.servers.values()].filter((server) => server.host === host).length;
      if (Number(left) !== stay) return `${stay} are left`;
      if (Number(total) !== Number(done) + Number(left)) return 'the numbers do not add up';
      if (!truth.judgesCounts) return null;
      const [least, most] = arrivals(truth, host);
      if (Number(done) < least) return `${least} were evacuated`;
      return Number(done) > most ? `no more than ${most} were evacuated` : null;
    },
  ],
  [
    /^(?:Evacuation of|evacuation of|evacuation-)\s*([^\s:]+): (\d+)\/(\d+) done/,
    ([, name = '', done, total], truth) => {
      if (!truth.judgesCounts) return null;
      const host = truth.hostOf(name);
      const [, most] = arrivals(truth, host);
      if (Number(done) > most) return `no more than ${most} have arrived elsewhere`;
      return Number(done) > Number(total) ? 'more are done than there are' : null;
    },
  ],
  [
    /^Evacuated \S+ \(([0-9a-f-]{36})\) from (\S+): it is on ([^\s,]*[^\s,.])/,
    ([, id = '', host = '', destination = ''], truth) => {
      const arrived =
        truth.hasArrived(id, host, destination) ||
        truth.migrations.some(
          (one) =>
            one.serverId === id &&
            one.sourceHost === host &&
            one.destHost === destination &&
            ['done', 'completed'].includes(one.status),
        );
      if (arrived || truth.servers.get(id)?.host === destination) return null;
      return `it is on ${truth.servers.get(id)?.host ?? 'none'}, and has no record of going to ${destination}`;
    },
  ],
  [
    /(?:^|: )(\S+) is paused by /,
    ([, name = ''], truth) => (truth.isPaused(truth.hostOf(name)) ? null : 'it is not paused'),
  ],
  [
    /^nova-compute on (\S+) is now forced down and disabled/,
    ([, name = ''], truth) => {
      const host = truth.hosts.get(truth.hostOf(name));
      return host?.forcedDown === true && host.disabled ? null : 'Nova does not hold it down';
    },
  ],
];

/** What is not so in a sentence that operators see, at the moment in which it is said; nothing where it is true. */
export function untrue(sentence: string, truth: Truth): string[] {
  const wrong: string[] = [];
  for (const [pattern, judge] of rules) {
    const words = pattern.exec(sentence);
    const what = words === null ? null : judge(words, truth);
    if (what !== null) wrong.push(what);
  }
  for (const [, name = '', id = ''] of sentence.matchAll(title)) {
    const server = truth.servers.get(id);
    if (server !== undefined && server.name !== name) wrong.push(`${id} is ${server.name}`);
  }
  return wrong;
}

/**
 * How many instances were evacuated from a host in this incident, at least and at most: since it was fenced last, since it
 * came to bear its mark, or since that is of another failure. Records of what was deleted since are gone, and those of before Nova's clock was set bear another time: an
 * evacuator may have counted them all the same.
 */
function arrivals(truth: Truth, host: string): readonly [least: number, most: number] {
  const since = (at: number) =>
    truth.migrations
      .filter(({ sourceHost, status, createdAt }) => {
        return sourceHost === host && createdAt >= at && ['done', 'completed'].includes(status);
      })
      .map(({ serverId }) => serverId);
  // The host's own nova-compute completes the records of what never left it as well.
  const hasLeft = (id: string) => truth.servers.get(id)?.host !== host;
  const fenced = truth.fencedAt(host) ?? 0;
  const marked = truth.markedSince(host) ?? fenced;
  const most = new Set(since(Math.min(fenced, marked) - countMarginMs)).size;
  const least = new Set(since(Math.max(fenced, marked, truth.renewedAt(host))).filter(hasLeft)).size;
  return [least, Math.max(most, truth.arrivedFrom(host))];
}
