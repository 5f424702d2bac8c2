import { NovaError, type ServerId } from '@openstack-ts/nova-client';
import { noCommand } from '../../attrd/index.ts';
import { rethrowUnless } from '../../rethrow.ts';
import { pacing } from '../incident/pacing.ts';
import { guestPower } from '../look/guestPower.ts';
import type { HostView } from '../look/hostView.ts';
import { Incoming } from '../look/incoming.ts';
import { guestsMayRun } from '../look/returnSigns.ts';
import type { RequestedHost, RequestScope } from './requestScope.ts';

type Scope = Pick<RequestScope, 'clock' | 'nova' | 'fencings' | 'callOptions' | 'cloud'>;

/** Whether guests may run on a fenced host: somebody started nova-compute before its evacuation had ended. */
async function mayRunThere(
  { clock, nova, fencings }: Pick<RequestScope, 'clock' | 'nova' | 'fencings'>,
  { service: { host }, hints: { signs } }: RequestedHost,
): Promise<boolean> {
  const may = guestsMayRun(signs, clock.now() + nova.clockOffsetMs);
  if (may !== 'maybe' || signs === null) return may === 'yes';
  // One that was fenced again since must not keep its instances from being evacuated.
  const last = await fencings.lastInHistory(host);
  const reportedAt = (signs.ranUntil ?? 0) - nova.clockOffsetMs;
  return last === null || last <= reportedAt;
}

/**
 * A nova-compute that was started too early may have started guests as well (resume_guests_state_on_host_boot, or a
 * reboot that the host's death cut short), or have taken up an evacuation that lay in its queue: one that runs, or may, is not rebuilt
 * elsewhere.
 */
export class GuestsThere {
  readonly #scope: Scope;
  readonly #marked: RequestedHost;
  readonly #incoming: Incoming;

  constructor(scope: Scope, marked: RequestedHost, view: Pick<HostView, 'servers'>) {
    this.#scope = scope;
    this.#marked = marked;
    this.#incoming = new Incoming(scope.nova, marked.service.host, view, scope.callOptions);
  }

  /** Why an instance may run where it is, without a full stop; null: its guest is off, as far as anybody can know. */
  async whyNotOff(id: ServerId): Promise<string | null> {
    const { nova, clock, callOptions } = this.#scope;
    const { name, service } = this.#marked;
    const { host } = service;
    let hasCome = false;
    if (!(await mayRunThere(this.#scope, this.#marked))) {
      const come = await this.#mayHaveCome(id);
      if (come === 'no') return null;
      if (come !== 'maybe') return come;
      hasCome = true;
    }
    const latest = callOptions.deadline ?? Number.POSITIVE_INFINITY;
    const deadline = Math.min(clock.now() + pacing.guestAnswerMs, latest);
    const power = await guestPower(nova, id, { ...callOptions, deadline });
    if (power.kind === 'off') return null;
    if (power.kind === 'runs') {
      return `it runs on ${host}, whose nova-compute was started before its evacuation had ended, and is not started a second time; power the host off, or have it released (${noCommand(name)})`;
    }
    return hasCome
      ? `Nova sent it to ${host} and went on with that after ${host} was fenced, and whether it runs there cannot be told (${power.why}): fence ${host} again (pcs stonith fence ${name}), or have it released (${noCommand(name)})`
      : `whether it runs on ${host}, where a nova-compute reports, cannot be told (${power.why})`;
  }

  /** Asked only where Nova has heard something of the host since its fencing; else why it cannot be told. */
  async #mayHaveCome(id: ServerId): Promise<'no' | 'maybe' | string> {
    const { cloud } = this.#scope;
    const { service, failure } = this.#marked;
    const fencedAt = failure === null || failure.adopted ? null : failure.novaAt;
    if (fencedAt === null) return 'no';
    const { updatedAt } = cloud.service(service.host) ?? service;
    const isExact = failure !== null && !failure.estimated;
    if (isExact && updatedAt !== null && updatedAt <= fencedAt + pacing.returnMarginMs) return 'no';
    try {
      return (await this.#incoming.mayHaveCome(id, fencedAt)) ? 'maybe' : 'no';
    } catch (error) {
      rethrowUnless(error, NovaError);
      return `whether Nova has sent it to ${service.host} since that was fenced cannot be told (${error.message})`;
    }
  }
}
