import {
  type CallOptions,
  type ComputeService,
  type NovaClient,
  NovaError,
  type NovaHost,
  type Server,
  type ServerId,
  serverId,
} from '@openstack-ts/nova-client';
import { rethrowUnless } from '../../rethrow.ts';
import type { Clock } from '../incident/clock.ts';
import { isSameHost, serviceNamed } from '../incident/names.ts';
import { pacing } from '../incident/pacing.ts';
import { shortList, titleOf } from './titles.ts';
import type { HostLook, Untold } from './trust.ts';

/** How many instances are asked for one by one at a time. */
const atATime = 5;

/** Placement will not tell, whenever it is asked: no endpoint, no right to ask, too old. */
const lasting: ReadonlySet<string> = new Set(['noEndpoint', 'forbidden', 'badRequest', 'notFound', 'config']);

/** States in which an instance is on no host: it was offloaded, or has never come to one. Any other has a host, which is not shown. */
const mayBeOnNone: ReadonlySet<string> = new Set(['shelved_offloaded', 'building', 'error', 'deleted']);

export interface CrossCheck {
  readonly nova: NovaClient;
  /** Nova's name of the host. */
  readonly host: NovaHost;
  /** Whether it is known what became of an instance: it was listed, or its evacuation has ended in this incident. */
  readonly isKnown: (id: ServerId) => boolean;
  /** The compute services, read anew. */
  readonly services: () => Promise<readonly ComputeService[]>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly options: CallOptions;
  /** Where Placement does not answer for now: wait for it (`needed`), or go on as if it could not be asked at all. */
  readonly placement?: 'needed' | 'helps';
  /** Told whether Placement has answered for now; not of one that will not tell, whenever it is asked. */
  readonly heard?: (answered: boolean) => void;
}

/**
 * Whether a host has instances that Nova's list of them left out. Nova leaves out what is in a cell that did not answer this
 * one query, without a word, and one list looks like the other; so "none" is believed only where something bears it out that
 * does not share the list's fate:
 *
 * | the host's service | Placement's allocations | a second list | Nova, asked for each unknown id | look |
 * |---|---|---|---|---|
 * | unknown, or not listed | any | any | any | untold |
 * | told | every id is known | not asked | not asked | told |
 * | told | unknown ids | not asked | on the host | contradicted |
 * | told | unknown ids | not asked | elsewhere, or on no host (shelved, never built) | told |
 * | told | unknown ids | not asked | 404, and again a moment later | told: the allocation leaked |
 * | told | unknown ids | not asked | no answer, or no state | untold |
 * | told | does not answer, and is needed | not asked | not asked | untold |
 * | told | cannot be asked at all | shows more | not asked | contradicted |
 * | told, as is every other one | cannot be asked at all | the same | not asked | told |
 *
 * Placement that is not needed (`placement: 'helps'`) and does not answer counts as one that cannot be asked at all. A release shows its
 * own service alone: the instances of a host are in the cell of its service.
 *
 * A 404 is trusted: Nova answers 500, or a stub, for an instance whose cell does not answer. Throws `NovaError` where Nova
 * itself cannot be asked.
 */
export async function crossCheck(question: CrossCheck): Promise<HostLook> {
  const { host } = question;
  // Both after the list that is to be believed.
  const [services, allocated] = await Promise.all([question.services(), askPlacement(question)]);
  if ((serviceNamed(services, host)?.state ?? 'unknown') === 'unknown') return cellUntold(host);
  if (allocated === null) return byNovaAlone(question, services);
  return 'kind' in allocated ? allocated : byAllocations(question, allocated);
}

/** Null: Placement cannot be asked, or knows no such host. */
async function askPlacement({
  nova,
  host,
  options,
  placement = 'needed',
  heard,
}: CrossCheck): Promise<readonly string[] | Untold | null> {
  try {
    const allocated = await nova.listAllocations(host, options);
    heard?.(true);
    return allocated;
  } catch (error) {
    rethrowUnless(error, NovaError);
    heard?.(lasting.has(error.code));
    if (placement === 'helps' || lasting.has(error.code)) return null;
    return {
      kind: 'untold',
      sentence: `Placement does not tell whether instances of ${host} are missing in Nova's list: ${error.message}`,
      remedy: 'see: openstack resource provider list',
    };
  }
}

/** What is said where the state of a host's service is not told. */
function cellUntold(host: NovaHost): Untold {
  return {
    kind: 'untold',
    sentence: `Nova does not tell the state of ${host} (the database of its cell does not answer Nova), so that its list of instances cannot be trusted`,
    remedy: 'see: openstack compute service list',
  };
}

async function byAllocations(question: CrossCheck, allocated: readonly string[]): Promise<HostLook> {
  const { host, clock, isKnown } = question;
  const first = await askForEach(
    question,
    // A migration's id is among them at times: Nova knows no instance of it.
    allocated.map(serverId).filter((id) => !isKnown(id)),
  );
  if (first.untold !== null) return first.untold;
  if (first.here.length > 0) return contradicted(host, first.here);
  if (first.gone.length === 0) return { kind: 'told', leaked: [] };
  // One that is just being deleted, or made, may show at the second look.
  await clock.sleep(pacing.pollMinMs);
  const second = await askForEach(question, first.gone);
  if (second.untold !== null) return second.untold;
  return second.here.length > 0 ? contradicted(host, second.here) : { kind: 'told', leaked: second.gone };
}

function contradicted(host: NovaHost, servers: readonly Server[]): HostLook {
  return {
    kind: 'contradicted',
    sentence: `Nova's list of instances leaves out ${servers.length} on ${host} that Placement counts there and Nova shows when it is asked for each: ${shortList(servers.map(titleOf))}`,
    servers,
  };
}

interface Answers {
  readonly here: readonly Server[];
  readonly gone: readonly ServerId[];
  readonly untold: Untold | null;
}

/** What Nova says of each instance: on the host, nowhere, or it does not tell. */
async function askForEach({ nova, host, options }: CrossCheck, ids: readonly ServerId[]): Promise<Answers> {
  const here: Server[] = [];
  const gone: ServerId[] = [];
  let untold: Untold | null = null;
  const ask = async (id: ServerId): Promise<void> => {
    try {
      const server = await nova.getServer(id, options);
      if (isSameHost(server.host, host)) here.push(server);
      else if (server.status === 'UNKNOWN')
        untold = instanceUntold(host, id, 'its cell does not answer Nova');
      else if (server.host === null && !mayBeOnNone.has(server.vmState ?? '')) {
        const why =
          server.hiddenBy === undefined
            ? `it shows no host of one that is ${server.vmState ?? 'in no state that it tells'}`
            : `this user lacks the right of its policy ${server.hiddenBy}`;
        untold = instanceUntold(host, id, why);
      }
    } catch (error) {
      rethrowUnless(error, NovaError);
      if (error.code === 'notFound') gone.push(id);
      else untold = instanceUntold(host, id, error.message);
    }
  };
  for (let from = 0; from < ids.length; from += atATime) {
    await Promise.all(ids.slice(from, from + atATime).map(ask));
  }
  return { here, gone, untold };
}

function instanceUntold(host: NovaHost, id: ServerId, why: string): Untold {
  return {
    kind: 'untold',
    sentence: `Placement counts instance ${id} on ${host}, and Nova does not tell where it is: ${why}`,
    remedy: `see: openstack server show ${id}`,
  };
}

/** With Nova's rights alone: every cell answers, and a second list shows the same. */
async function byNovaAlone(
  { nova, host, options, clock, isKnown, services: readServices }: CrossCheck,
  services: readonly ComputeService[],
): Promise<HostLook> {
  const silent = services.filter(({ state }) => state === 'unknown').map((service) => service.host);
  if (silent.length > 0) {
    return {
      kind: 'untold',
      sentence: `Placement cannot be asked, and the database of a cell does not answer Nova (that of ${shortList(silent)}), so that its list of the instances on ${host} may lack some`,
      remedy: 'see: openstack compute service list',
    };
  }
  await clock.sleep(pacing.pollMinMs);
  const more = (await nova.listServers({ host }, options)).filter(({ id }) => !isKnown(id));
  if (more.length > 0) {
    return {
      kind: 'contradicted',
      sentence: `Nova's list of instances first left out ${more.length} on ${host} that it shows now: ${shortList(more.map(titleOf))}`,
      servers: more,
    };
  }
  const after = serviceNamed(await readServices(), host);
  return (after?.state ?? 'unknown') === 'unknown' ? cellUntold(host) : { kind: 'told', leaked: [] };
}
