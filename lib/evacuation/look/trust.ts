import type { Server, ServerId } from '@openstack-ts/nova-client';

/** What Nova's lists leave out, or did not tell. */
export interface Untold {
  readonly kind: 'untold';
  /** A main clause without a full stop. */
  readonly sentence: string;
  /** A command that shows more, or ends it. */
  readonly remedy: string;
}

/** Whether a host has no more instances than a look at it has shown. */
export type HostLook =
  /** It has none, by two answers that do not share their fate. */
  | {
      readonly kind: 'told';
      /** Ids that Placement counts there and Nova, asked for each of them twice, does not know: nobody will take them away. */
      readonly leaked: readonly ServerId[];
    }
  | Untold
  /** One answer shows instances there that the other leaves out: the look has to be made again, with them in it. */
  | { readonly kind: 'contradicted'; readonly sentence: string; readonly servers: readonly Server[] };
