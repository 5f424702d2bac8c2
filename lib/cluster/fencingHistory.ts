import type { CommandRunner } from '../attrd/command.ts';
import { AttrdError } from '../attrd/errors.ts';
import { exitUsage, failure, isUnknownOption } from '../attrd/failure.ts';
import { insist, type Patience } from '../attrd/insist.ts';
import type { NodeName } from '../attrd/names.ts';
import { rethrowUnless } from '../rethrow.ts';
import { parseFenceEvents } from './parseFencing.ts';
import type { Fencing } from './types.ts';

const unknown: Fencing = { known: false, lastSuccess: null, pending: false };

/** The fencing history as the cluster's fencers keep it: in memory, five hundred entries, the same on all full nodes. */
export class FencingHistory {
  readonly #run: CommandRunner;
  readonly #patience: Patience | null;

  constructor(run: CommandRunner, patience: Patience | null = null) {
    this.#run = run;
    this.#patience = patience;
  }

  /**
   * What is remembered of one node, by its name in the cluster. Never fails: a tool that is missing, too old for XML,
   * late or not understood leaves `known: false`, as it does on a machine without a fencer (a remote node). A fencing
   * that an operator vouched for (`stonith_admin --confirm`) stands in the history like any other.
   */
  async readFencing(node: NodeName): Promise<Fencing> {
    try {
      return await insist(this.#patience, () => this.#ask(node));
    } catch (error) {
      rethrowUnless(error, AttrdError);
      return unknown;
    }
  }

  async #ask(node: NodeName): Promise<Fencing> {
    // Without `--verbose` 2.1.5 tells one entry only, and not the newest (seen).
    const args = ['--history', node, '--verbose', '--output-as=xml'];
    const result = await this.#run('stonith_admin', args);
    // One that is too old for XML stays so.
    if (result.exitCode === exitUsage || isUnknownOption(result)) return unknown;
    if (result.exitCode !== 0) throw failure('stonith_admin', result, 'reading the fencing history');
    return judge(await parseFenceEvents(result.stdout), node);
  }
}

function judge(events: Awaited<ReturnType<typeof parseFenceEvents>>, node: NodeName): Fencing {
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
