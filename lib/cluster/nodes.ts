import type { CommandResult, CommandRunner } from '../attrd/command.ts';
import { AttrdError } from '../attrd/errors.ts';
import { exitUsage, failure, isUnknownOption } from '../attrd/failure.ts';
import { insist, type Patience } from '../attrd/insist.ts';
import { rethrowUnless } from '../rethrow.ts';
import { type CrmMonAnswer, parseCrmMon } from './parseNodes.ts';
import type { NodesReading, NodesUntold, Untold } from './types.ts';

const notInstalled =
  'crm_mon is not installed on this node (package pacemaker-cli-utils of Debian, pacemaker-cli of others)';

/**
 * The nodes as the scheduler sees them. `crm_mon` computes that from the CIB as the scheduler does, and is the only
 * tool that tells it: `in_ccm` in the CIB's status section is 0 for remote nodes that are online from 2.1.7 on (seen
 * on 3.0.0), and the scheduler itself never reads it of them.
 */
export class ClusterNodes {
  readonly #run: CommandRunner;
  readonly #patience: Patience | null;
  /** Whether crm_mon knows `--output-as` (2.0.3 and newer: tools/crm_mon.c); found out at the first query. */
  #speaksNewXml = true;

  constructor(run: CommandRunner, patience: Patience | null = null) {
    this.#run = run;
    this.#patience = patience;
  }

  /** Never fails: what is no answer about the nodes is `known: false`. */
  async read(): Promise<NodesReading> {
    try {
      return await insist(this.#patience, async () => {
        const result = await this.#ask();
        // 102 and the like: no cluster on this machine, or a remote node that none has connected to.
        if (result.exitCode !== 0) throw failure('crm_mon', result, "reading the cluster's nodes");
        return judge(await parseCrmMon(result.stdout));
      });
    } catch (error) {
      rethrowUnless(error, AttrdError);
      return error.code === 'missing' ? untold('missing', notInstalled) : untold('failed', error.message);
    }
  }

  async #ask(): Promise<CommandResult> {
    if (this.#speaksNewXml) {
      // Without the fencing history, for which it would ask the fencer as well.
      const result = await this.#run('crm_mon', ['-1', '--output-as=xml', '--fence-history=0']);
      if (result.exitCode !== exitUsage && !isUnknownOption(result)) return result;
      this.#speaksNewXml = false;
    }
    // 1.1.18 to 2.0.2; later versions have it as a deprecated option, with the old root element.
    return this.#run('crm_mon', ['-1', '--as-xml']);
  }
}

function judge(answer: CrmMonAnswer): NodesReading {
  const { hasDc, hasQuorum, noQuorumPolicy, daemonState, nodes } = answer;
  if (daemonState !== null) {
    return untold('unsettled', `Pacemaker on this node is not running normally (${daemonState})`);
  }
  if (!hasDc) return untold('noDc', 'the cluster has no DC at the moment');
  if (!hasQuorum && noQuorumPolicy !== 'ignore') {
    return untold('noQuorum', 'this partition of the cluster has no quorum');
  }
  return { known: true, nodes };
}

function untold(why: Untold, sentence: string): NodesUntold {
  const remedy = why === 'missing' ? 'install it' : 'crm_mon -1 on this node shows what the cluster tells';
  return { known: false, why, sentence, remedy };
}
