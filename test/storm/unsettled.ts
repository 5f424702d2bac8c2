import type { Server } from '../simulators/cloud/model.ts';
import type { Machine, Scene } from './scene.ts';
import { cannotLeaveBecause, staysBecause, surroundingsOf } from './surroundings.ts';

/** What is left to be done, in sentences; nothing once all is as it should be. */
export function unsettled(scene: Scene): string[] {
  return [
    ...[...scene.machines.values()].flatMap((machine) => unsettledMachine(scene, machine)),
    ...[...scene.site.cloud.world.servers.values()].flatMap((server) => unsettledServer(scene, server)),
  ];
}

function unsettledMachine(scene: Scene, { name, life, staysDead }: Machine): string[] {
  const { site } = scene;
  const host = site.host(name);
  const { transient, permanent } = site.mark(name);
  const left: string[] = [];
  if (!host.powered) {
    if (!staysDead) left.push(`${name} is off`);
    const isPending = [transient, permanent].some((copy) => copy !== '' && copy !== 'no');
    if (isPending && !waitsForRefused(scene, host.name) && !waitsForSecondOpinion(scene, host.name)) {
      left.push(`the marks of ${name}, which is off, read "${transient}" and "${permanent}"`);
    }
    return left;
  }
  if (life === 0) return left;
  if (transient !== '' || permanent !== '') {
    left.push(`the marks of ${name}, which is back, read "${transient}" and "${permanent}"`);
  }
  if (!host.alive) left.push(`nova-compute of ${name} does not run`);
  if (host.forcedDown) left.push(`${name} is still forced down`);
  const reason = scene.foreign.get(host.name) ?? null;
  if (host.disabled !== (reason !== null) || host.disabledReason !== reason) {
    left.push(`${name} is disabled: ${host.disabled} (${host.disabledReason}); before it was: ${reason}`);
  }
  if (!scene.judgesAttributes) return left;
  for (const attribute of ['nova-compute-release', 'nova-compute-returning']) {
    const value = site.attribute(attribute, name);
    if (value !== '') left.push(`${attribute} of ${name} still reads ${value}`);
  }
  return left;
}

/** What Nova refuses for no reason that lasts is tried again for ever, slowly, and is named all the while. */
function waitsForRefused(scene: Scene, host: string): boolean {
  const shown = surroundingsOf(scene).shown(host);
  return [...scene.refused].some(
    ([id, message]) =>
      scene.site.cloud.world.servers.get(id)?.host === host &&
      shown.some((text) => text.includes(id) || text.includes(message)),
  );
}

/**
 * Where one destination alone is left, and does not find a disk, nobody can tell a disk on the dead host from a mount that the destination
 * lacks: it is tried again for ever, slowly, and is named all the while.
 */
function waitsForSecondOpinion(scene: Scene, host: string): boolean {
  const { world } = scene.site.cloud;
  const destinations = [...world.hosts.values()].filter(({ name, alive }) => name !== host && alive);
  const shown = surroundingsOf(scene).shown(host);
  return [...world.servers.values()].some(
    (server) =>
      server.host === host &&
      destinations.length === 1 &&
      cannotLeaveBecause(scene, server) !== null &&
      shown.some((text) => text.includes(server.id) && text.includes('does not find its disk')),
  );
}

function unsettledServer(scene: Scene, server: Server): string[] {
  const left: string[] = [];
  if ((staysBecause(scene, server) ?? cannotLeaveBecause(scene, server)) !== null) return left;
  const host = scene.site.cloud.world.host(server.host ?? '');
  if (server.taskState !== null) left.push(`${server.name} on ${host.name} is still ${server.taskState}`);
  if (server.vmState === 'error' && !isAsBorn(scene, server))
    left.push(`${server.name} on ${host.name} is in error`);
  if (!host.powered) left.push(`${server.name} is left on ${host.name}, which is off`);
  else if (
    server.vmState === 'active' &&
    host.domains.get(server.id) !== true &&
    !wasStartedInVain(scene, server)
  ) {
    left.push(`${server.name} does not run on ${host.name}`);
  }
  return left;
}

/** In ERROR before anything failed, and on a host that lives. */
function isAsBorn(scene: Scene, { id, actions }: Server): boolean {
  return scene.bornAs.get(id) === 'error' && !actions.some(({ action }) => action === 'evacuate');
}

/** And somebody was told to look at it. */
function wasStartedInVain(scene: Scene, { id }: Server): boolean {
  return scene.site.told.some((line) => line.includes(id) && line.includes('does not run'));
}
