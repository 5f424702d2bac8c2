import type { CommandResult, CommandRunner } from '../attrd/command.ts';
import { AttrdError } from '../attrd/errors.ts';
import { failure, isNothingFound } from '../attrd/failure.ts';
import { insist, type Patience } from '../attrd/insist.ts';
import { type ActiveTypes, type Primitive, parseActiveTypes, parsePrimitives } from './parseResources.ts';

/** What the CIB says of the cluster's resources, as `cibadmin` gives it. What its nodes are is `ClusterNodes`' to say. */
export class ClusterState {
  readonly #run: CommandRunner;
  readonly #patience: Patience | null;

  constructor(run: CommandRunner, patience: Patience | null = null) {
    this.#run = run;
    this.#patience = patience;
  }

  /**
   * Which types of resources are active on which node, by the history that the CIB's status section keeps; `only` one type, or
   * all.
   */
  activeTypes(only: string | null = null): Promise<ActiveTypes> {
    return insist(this.#patience, async () => {
      const result = await this.#query(['-o', 'status'], 'reading what runs on the nodes');
      // The section is always there, so that nothing found is no answer.
      if (result === null) throw new AttrdError('malformed', "cibadmin answered without the CIB's status");
      return parseActiveTypes(result, only);
    });
  }

  /** All primitive resources and bundles that are configured. */
  primitives(): Promise<Primitive[]> {
    return insist(this.#patience, async () => {
      const result = await this.#query(
        ['--xpath', '//primitive | //template | //bundle'],
        'reading the configured resources',
      );
      return result === null ? [] : parsePrimitives(result);
    });
  }

  async #query(scope: readonly string[], doing: string): Promise<string | null> {
    const result: CommandResult = await this.#run('cibadmin', ['-Q', ...scope]);
    if (result.exitCode === 0) return result.stdout;
    if (isNothingFound(result)) return null;
    throw failure('cibadmin', result, doing);
  }
}
