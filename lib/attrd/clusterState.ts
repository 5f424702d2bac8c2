import type { CommandResult, CommandRunner } from './command.ts';
import { failure, isNothingFound } from './failure.ts';
import { type NodeState, type Primitive, parseNodeStates, parsePrimitives } from './parseCib.ts';

/** What the CIB says of the cluster's nodes and resources, as `cibadmin` gives it. */
export class ClusterState {
  readonly #run: CommandRunner;

  constructor(run: CommandRunner) {
    this.#run = run;
  }

  /** All nodes that the CIB's status section knows. */
  async nodes(): Promise<NodeState[]> {
    const result = await this.#query(['-o', 'status'], "reading the nodes' state");
    return result === null ? [] : parseNodeStates(result);
  }

  /** All primitive resources that are configured. */
  async primitives(): Promise<Primitive[]> {
    const result = await this.#query(['--xpath', '//primitive'], 'reading the configured resources');
    return result === null ? [] : parsePrimitives(result);
  }

  async #query(scope: readonly string[], doing: string): Promise<string | null> {
    const result: CommandResult = await this.#run('cibadmin', ['-Q', ...scope]);
    if (result.exitCode === 0) return result.stdout;
    if (isNothingFound(result)) return null;
    throw failure('cibadmin', result, doing);
  }
}
