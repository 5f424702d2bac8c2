import type { CommandRunner } from './command.ts';
import { AttrdError } from './errors.ts';
import { parseFenceEvents } from './parseFencing.ts';
import type { Fencing } from './types.ts';

const unknown: Fencing = { known: false, lastSuccess: null, pending: false };

/** The fencing history as the cluster's fencers keep it: in memory, five hundred entries, the same on all full nodes. */
export class FencingHistory {
  readonly #run: CommandRunner;

  constructor(run: CommandRunner) {
    this.#run = run;
  }

  /**
   * What is remembered of one node, by its name in the cluster. Never fails: a tool that is missing, too old for XML,
   * late or not understood leaves `known: false`, as it does on a machine without a fencer (a remote node). A fencing
   * that an operator vouched for (`stonith_admin --confirm`) stands in the history like any other.
   */
  async readFencing(node: string): Promise<Fencing> {
    try {
      const result = await this.#run('stonith_admin', [
        '--history',
        node,
        // Without it 2.1.5 tells one entry only, and not the newest (seen).
        '--verbose',
        '--output-as=xml',
      ]);
      return result.exitCode === 0 ? judge(await parseFenceEvents(result.stdout), node) : unknown;
    } catch (error) {
      if (!(error instanceof AttrdError)) throw error;
      return unknown;
    }
  }
}

function judge(events: Awaited<ReturnType<typeof parseFenceEvents>>, node: string): Fencing {
  let lastSuccess: number | null = null;
  let pending = false;
  for (const { target, action, status, completed } of events) {
    if (target !== node) continue;
    // A reboot of several devices is listed as `off` and then as `on` while it is under way (seen on 2.1.5).
    if (status === 'pending') pending = true;
    // A finished `on` is the unfencing of a node that joins.
    else if (status === 'success' && action !== 'on' && completed !== null) {
      lastSuccess = Math.max(lastSuccess ?? 0, completed);
    }
  }
  return { known: true, lastSuccess, pending };
}
