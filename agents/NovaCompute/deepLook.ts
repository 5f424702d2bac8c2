import { type ComputeService, type NovaClient, NovaError, type NovaHost } from '@openstack-ts/nova-client';
import { AttrdError, isPending, type MarkName, markOfNode, type NodeName } from '../../lib/attrd/index.ts';
import { missingParameter } from '../../lib/connection/connectionParameters.ts';
import { marksOf, matchHost } from '../../lib/evacuation/incident/names.ts';
import { ComputeError } from '../../lib/evacuation/return/localCompute.ts';
import { type OcfContext, OcfExit, understandsDegraded } from '../../lib/ocf/index.ts';
import { connectionValues } from '../shared/connection.ts';
import { dangers } from './dangers.ts';
import { goOn } from './goOn.ts';
import { judgeService, type ServiceFacts, type ServiceVerdict } from './judgeService.ts';
import { type Found, readConf } from './novaCompute.ts';
import { NovaConfError } from './novaConf/index.ts';
import { type StateFiles, sayOnce } from './state.ts';
import { lookMs } from './timing.ts';
import type { World } from './world.ts';

/** What was looked at: this host's service among the others, and what is needed to go on with it. */
interface Sight {
  readonly node: NodeName;
  readonly verdict: ServiceVerdict;
  readonly mark: ServiceFacts['mark'];
}

/**
 * What Nova says of a nova-compute that runs here. Fails (1) for a nova-compute that hangs and for nothing else: a Nova
 * that is away, or refuses the login, is a warning, once.
 */
export async function deepLook(
  ctx: OcfContext,
  world: World,
  files: StateFiles,
  found: Found,
): Promise<OcfExit> {
  let sight: Sight;
  try {
    sight = await look(ctx, world, files, found);
    if (files.said('nova') !== null) ctx.log.info('Nova can be asked about this host again.');
    files.note('nova', null);
  } catch (error) {
    const known = [NovaError, AttrdError, NovaConfError, ComputeError].some((kind) => error instanceof kind);
    if (!known || !(error instanceof Error)) throw error;
    const sentence = `Whether Nova uses this host cannot be told: ${error.message.replace(/\.$/, '')}.`;
    sayOnce(files, 'nova', sentence, ctx.log.warn);
    return OcfExit.success;
  }
  const { verdict } = sight;
  switch (verdict.kind) {
    case 'fine':
      ctx.log.debug(`${verdict.sentence}.`);
      files.note('service', null);
      return OcfExit.success;
    case 'owed':
      sayOnce(files, 'service', `${verdict.sentence}; it is taken back.`, ctx.log.notice);
      return takeBack(ctx, world, files, found, sight);
    case 'hung':
      ctx.exitReason(verdict.sentence);
      return OcfExit.generic;
    case 'odd':
      sayOnce(files, 'service', `${verdict.sentence}.`, ctx.log.warn);
      if (!verdict.attention) return OcfExit.success;
      ctx.exitReason(verdict.sentence);
      return ctx.intervalMs > 0 && understandsDegraded(ctx.crmFeatureSet)
        ? OcfExit.degraded
        : OcfExit.success;
  }
}

async function look(ctx: OcfContext, world: World, files: StateFiles, found: Found): Promise<Sight> {
  if (world.connect === null) throw new NovaError('config', noLogin(ctx));
  const deadline = ctx.startedAt + lookMs(ctx);
  const [node, { conf, name }] = await Promise.all([world.nodeName(), readConf(found.runtime, world)]);
  const nova = await world.connect(deadline);
  const services = await nova.listComputeServices({ deadline });
  const dnsDomain = ctx.parameters.given('domain') ? ctx.parameters.string('domain') : undefined;
  const match = matchHost(services, name.host, dnsDomain);
  if (match.kind === 'ambiguous') throw new NovaError('config', match.sentence);
  const service = match.kind === 'host' ? match.service : null;
  const mark = await markOf(
    world,
    [markOfNode(node), name.host, ...(service === null ? [] : [service.host])],
    service,
  );
  const facts = { conf, noSharedStorage: ctx.parameters.boolean('no_shared_storage'), mountInfo: null };
  const before = new Set(dangers({ ...facts, clockOffsetMs: null }));
  const clockDangers = dangers({ ...facts, clockOffsetMs: -nova.clockOffsetMs }).filter(
    (danger) => !before.has(danger),
  );
  if (clockDangers.length === 0) files.note('clock', null);
  else if (files.said('clock') === null)
    for (const danger of clockDangers) sayOnce(files, 'clock', danger, ctx.log.warn);
  const verdict = judgeService({
    host: service?.host ?? name.host,
    service,
    others: services.filter((other) => other !== service),
    inServiceMs: inService(world, files, found, service),
    heartbeatAgeMs: heartbeatAge(world, nova, service),
    mark,
  });
  return { node, verdict, mark };
}

/** Asked only where Nova does not use the host: the marks of a host that works cost two processes to look at. */
async function markOf(
  world: World,
  names: readonly (MarkName | NovaHost)[],
  service: ComputeService | null,
): Promise<ServiceFacts['mark']> {
  if (service === null || (!service.forcedDown && service.status !== 'disabled')) return 'none';
  const marks = marksOf((await world.marks.readAll()).marks, names);
  if (marks.some(({ mark }) => isPending(mark))) return 'pending';
  return marks.some(({ mark }) => mark.kind === 'no') ? 'no' : 'none';
}

/** Where the runtime does not tell since when it runs, the time counts from the first look that found it silent. */
function inService(
  world: World,
  files: StateFiles,
  { state }: Found,
  service: ComputeService | null,
): number {
  const now = world.clock.now();
  let since = state.kind === 'running' ? state.since : null;
  if (since === null && (service === null || service.state === 'down')) {
    since = Number(files.said('silentSince') ?? now);
    files.note('silentSince', String(since));
  } else {
    files.note('silentSince', null);
  }
  return now - Math.max(since ?? now, files.settledAt ?? now);
}

function heartbeatAge(world: World, nova: NovaClient, service: ComputeService | null): number | null {
  const at = service?.updatedAt ?? null;
  return at === null ? null : world.clock.now() + nova.clockOffsetMs - at;
}

/** The evacuator concludes a pending mark once it sees this machine; anything else is walked at once. */
async function takeBack(
  ctx: OcfContext,
  world: World,
  files: StateFiles,
  found: Found,
  { node, mark }: Sight,
): Promise<OcfExit> {
  try {
    files.owe();
    // Nova is held down by us and nobody remembers: without a mark there would be nothing to walk.
    if (mark === 'none') await world.marks.owe(markOfNode(node), node);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
    sayOnce(files, 'release', `The release of this host could not begin: ${why}.`, ctx.log.warn);
    return OcfExit.success;
  }
  await goOn(ctx, world, files, found);
  return OcfExit.success;
}

function noLogin(ctx: OcfContext): string {
  const [error] = ctx.parameterErrors;
  return error ?? `${missingParameter(connectionValues(ctx.parameters)) ?? 'auth_url'} not configured`;
}
