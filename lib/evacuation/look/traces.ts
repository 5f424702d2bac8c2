import {
  type CallOptions,
  type Migration,
  type Move,
  type NovaClient,
  NovaError,
  type ServerId,
} from '@openstack-ts/nova-client';
import { rethrowUnless } from '../../rethrow.ts';
import { pacing } from '../incident/pacing.ts';
import { readTrail, type Trail } from './trail.ts';

/** How many are read for one look at a host, and at a time: each costs a request or two. */
const atATime = 5;

/** What one instance's last request, or a move that was cut short, has come to. */
interface Trace {
  readonly at: number;
  readonly trail: Trail;
  readonly move: Move | null;
}

/** What to look up of an instance: how far the request of a record has come, or what is known of its live migration or resize. */
export type TraceWish =
  | { readonly of: 'request'; readonly record: Migration }
  | { readonly of: 'move'; readonly serverId: ServerId };

/**
 * What Nova noted of requests and moves that do not tell by themselves where they are. Read for the few that need it, and anew
 * every {@link pacing.trailFreshMs}.
 */
export class Traces {
  readonly #nova: NovaClient;
  readonly #now: () => number;
  readonly #options: CallOptions;
  readonly #traces = new Map<string, Trace>();

  constructor(nova: NovaClient, now: () => number, options: CallOptions) {
    this.#nova = nova;
    this.#now = now;
    this.#options = options;
  }

  /** How far the request behind a record has come; `unread` until it was looked up. */
  trail(record: Migration | undefined): Trail {
    return (record && this.#traces.get(keyOf({ of: 'request', record }))?.trail) ?? { kind: 'unread' };
  }

  /** The last live migration or resize of an instance; null: none is known. */
  move(serverId: ServerId): Move | null {
    return this.#traces.get(keyOf({ of: 'move', serverId }))?.move ?? null;
  }

  /** Looks up what is wanted and not known well enough yet, the oldest first. */
  async lookUp(wishes: readonly TraceWish[]): Promise<void> {
    const now = this.#now();
    const readAt = (wish: TraceWish) => this.#traces.get(keyOf(wish))?.at ?? 0;
    const wanted = wishes
      .filter((wish) => now - readAt(wish) >= pacing.trailFreshMs)
      .sort((a, b) => readAt(a) - readAt(b))
      .slice(0, atATime);
    await Promise.all(
      wanted.map(async (wish) => {
        const at = this.#now();
        const trail: Trail =
          wish.of === 'request'
            ? await readTrail(this.#nova, wish.record, this.#options)
            : { kind: 'unread' };
        const move = wish.of === 'move' ? await this.#readMove(wish.serverId) : null;
        this.#traces.set(keyOf(wish), { at, trail, move });
      }),
    );
  }

  /** Null where Nova does not tell: then nothing is known of it, which frees nobody. */
  async #readMove(serverId: ServerId): Promise<Move | null> {
    try {
      return (await this.#nova.listMoves(serverId, this.#options)).at(-1) ?? null;
    } catch (error) {
      rethrowUnless(error, NovaError);
      return null;
    }
  }
}

function keyOf(wish: TraceWish): string {
  return wish.of === 'request' ? `request ${wish.record.id}` : `move ${wish.serverId}`;
}
