import { type ComputeService, type NovaClient, NovaError } from '@openstack-ts/nova-client';
import type { NodeName } from '../../lib/attrd/index.ts';
import { type HostMatch, matchHost } from '../../lib/evacuation/incident/names.ts';
import { inOneSpelling } from '../../lib/evacuation/look/spelling.ts';
import type { Untold } from '../../lib/evacuation/look/trust.ts';
import { mayBeLeftOut } from '../../lib/evacuation/look/unlisted.ts';
import { type FenceContext, FenceError } from '../../lib/fencing/index.ts';
import { dnsDomain } from './options.ts';
import type { World } from './world.ts';

/** Failures that the next attempt will meet again: the configuration is wrong, or the cloud refuses us. */
const LASTING: ReadonlySet<string> = new Set([
  'config',
  'authFailed',
  'keystoneV2',
  'noEndpoint',
  'tls',
  'forbidden',
  'badRequest',
  'malformed',
]);

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 5_000;

/** What the plug means in Nova, and the client that was asked. */
export interface Found {
  readonly nova: NovaClient;
  readonly match: HostMatch;
  /** Why a name that no service bears may be a host all the same; null: it is none. */
  readonly untold: Untold | null;
}

/**
 * Logs in and matches the plug. Throws `NovaError`.
 *
 * @param nodes names of the cluster's nodes
 */
export async function findHost(
  ctx: FenceContext,
  world: World,
  deadline: number,
  nodes: readonly NodeName[] = [],
): Promise<Found> {
  const nova = inOneSpelling(await world.connect(deadline));
  const services = await nova.listComputeServices({ deadline });
  const others = nodes.filter((node) => node !== ctx.nodename);
  const match = matchHost(services, ctx.plug, dnsDomain(ctx.options), others);
  const untold = match.kind === 'unknown' ? await mayBeLeftOut(nova, services, ctx.plug, { deadline }) : null;
  return { nova, match, untold };
}

/** Repeats what fails in passing until the deadline; the last failure is thrown. */
export async function insist<T>(world: World, deadline: number, attempt: () => Promise<T>): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      const passing = error instanceof NovaError && !LASTING.has(error.code);
      if (!passing || world.now() + pause >= deadline) throw error;
      await world.sleep(pause);
    }
  }
}

/** The service a match found; a sentence for the operator in all other cases. */
export function mustBeHost(match: HostMatch): ComputeService {
  if (match.kind === 'host') return match.service;
  throw new FenceError(match.sentence);
}

/** A failure as the beginning of a longer sentence. */
export function sentence(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}
