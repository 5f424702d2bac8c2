import type { Aggregate, Image, Project, Volume } from '@openstack-ts/nova-client';
import { hostKey } from '../incident/names.ts';
import type { AggregateFacts } from './policyFacts.ts';

/** What to call images, by id. */
export function titles(images: readonly Image[]): ReadonlyMap<string, string> {
  return new Map(images.map(({ id, name }) => [id, name ?? id]));
}

export function namesById(projects: readonly Project[]): ReadonlyMap<string, string> {
  return new Map(projects.map(({ id, name }) => [id, name]));
}

/** A volume whose attachment is not complete, as after a failed evacuation, is shown without its server. */
export function idsOf(volumes: readonly Volume[]): ReadonlySet<string> {
  return new Set(
    volumes.filter(({ bootable }) => bootable).flatMap(({ id, serverIds }) => [id, ...serverIds]),
  );
}

export function readAggregate({ name, metadata, hosts }: Aggregate): AggregateFacts {
  return { name, metadata, hosts: new Set(hosts.map(hostKey)) };
}
