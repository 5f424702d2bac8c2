import type { ComputeService } from '@openstack-ts/nova-client';

const reasonPattern = /^Pacemaker fenced this host at (\S+Z)/;

/** The `disabled_reason` we leave at a service: it names us and the time, and tells an operator what to expect. */
export function disabledReason(at: Date): string {
  return `Pacemaker fenced this host at ${at.toISOString().replace(/\.\d+Z$/, 'Z')} (fence_compute); its instances are evacuated`;
}

/** When the host was fenced, if it was us who disabled its service; null for anybody else's reason. */
export function fencedAt(service: ComputeService): number | null {
  const at = Date.parse(reasonPattern.exec(service.disabledReason ?? '')?.[1] ?? '');
  return service.status === 'disabled' && !Number.isNaN(at) ? at : null;
}

/** I7: only what we disabled is enabled again. */
export function isDisabledByUs(service: ComputeService): boolean {
  return fencedAt(service) !== null;
}
