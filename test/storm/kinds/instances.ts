import { cannotLeaveBecause, staysBecause } from '../surroundings.ts';
import type { Kind } from './kind.ts';

/** Some were in ERROR before anything failed, whether they run or not. */
export const bornInError: Kind = {
  name: 'born-in-error',
  part: 0.2,
  begin(scene, draw) {
    const { world } = scene.site.cloud;
    for (const server of world.servers.values()) {
      if (!['active', 'stopped'].includes(server.vmState) || !draw.chance(0.2)) continue;
      server.vmState = 'error';
      server.fault = {
        code: 500,
        message: 'Failed to attach volume',
        details: '',
        created: server.createdAt,
      };
      scene.bornAs.set(server.id, 'error');
      scene.tell(`${server.name} is in ERROR`);
    }
  },
};

const refusals = [
  { status: 403, kind: 'forbidden', message: 'Forbidden with instances that have accelerators.' },
  {
    status: 403,
    kind: 'forbidden',
    message: "Policy doesn't allow os_compute_api:os-evacuate to be performed.",
  },
  {
    status: 409,
    kind: 'conflictingRequest',
    message: 'Cannot evacuate instance: a snapshot is being made of it',
  },
  {
    status: 400,
    kind: 'badRequest',
    message: "Operation 'evacuate' not supported for vTPM-enabled instance (it).",
  },
] as const;

/** Nova's words for what it never evacuates. */
function isNever(message: string): boolean {
  return /not supported|accelerators/.test(message);
}

/** Nova refuses one instance, for as long as the storm lasts or for ever, and takes the others. */
export const instanceRefused: Kind = {
  name: 'instance-refused',
  part: 0.2,
  begin(scene, draw) {
    const { cloud } = scene.site;
    const server = draw.one([...cloud.world.servers.values()]);
    const { status, kind, message } = draw.one(refusals);
    const isForEver = isNever(message) || draw.chance(0.3);
    const rule = {
      service: 'nova',
      method: 'POST',
      path: `/servers/${server.id}/action$`,
      body: '"evacuate"',
      status,
      json: { [kind]: { code: status, message } },
    };
    const { id } = cloud.faults.add(rule);
    scene.tell(`Nova refuses ${server.name} with ${status}${isForEver ? ' for ever' : ''}`);
    if (!isForEver) return;
    scene.refused.set(server.id, message.replace(/\.$/, ''));
    scene.lasting.add(id);
  },
};

/** The owner deletes an instance in the middle of it: one that is to be evacuated, as the others are counted as left. */
export const instanceDeleted: Kind = {
  name: 'instance-deleted',
  part: 0.2,
  begin(scene, draw) {
    const { world } = scene.site.cloud;
    scene.soon(draw, () => {
      const leaving = [...world.servers.values()].filter((server) => {
        return (staysBecause(scene, server) ?? cannotLeaveBecause(scene, server)) === null;
      });
      if (leaving.length === 0) return;
      const server = draw.one(leaving);
      scene.tell(`${server.name} is deleted`);
      world.deleteServer(server);
    });
  },
};
