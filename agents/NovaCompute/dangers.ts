import type { NovaConf } from './novaConf/index.ts';

export interface DangerFacts {
  readonly conf: NovaConf;
  /** The parameter `no_shared_storage`. */
  readonly noSharedStorage: boolean;
  /** proc(5) mountinfo as nova-compute sees it (`Runtime.mountInfo`); null: not known, nothing is said of storage. */
  readonly mountInfo: string | null;
  /** This machine's clock minus the API's, in ms; null: not known. */
  readonly clockOffsetMs: number | null;
}

/** What of this machine breaks recovery: one sentence each, with the option, its file, the danger and the cure. */
export function dangers(_facts: DangerFacts): readonly string[] {
  throw new Error('not written yet');
}
