import { hasLocalDisk, type Server } from '../simulators/cloud/model.ts';
import type { SeenMark, Surroundings } from '../simulators/cloud/observer.ts';
import { password } from '../simulators/world/site.ts';
import type { Scene } from './scene.ts';

/** What the observer is shown of the cluster, and told of what its operators want. */
export function surroundingsOf(scene: Scene): Surroundings {
  const { site, configuration } = scene;
  const saysGo = () => site.pacemaker.properties.get('evacuation') === 'go';
  return {
    now: () => site.time.now(),
    // It may be kept under Nova's name as well; an operator takes the node's back, and means the host.
    mark: (host) => {
      const name = site.nodeName(host);
      const own = site.mark(name);
      if (isPending(own) || scene.takenBack.has(name)) return own;
      const hostName = site.hostName(name);
      if (hostName === name) return own;
      const other = site.mark(hostName);
      return isPending(other) ? other : own;
    },
    nodeOf: (sender) => sender.split(' ', 1)[0] ?? '',
    healthySince: () => scene.healthySince,
    staysBecause: (server) => staysBecause(scene, server),
    cannotLeaveBecause: (server) => cannotLeaveBecause(scene, server),
    // One that no host has room for holds nobody up.
    groupOf: (server) => (scene.isRoomShort ? null : groupOf(server)),
    pausedSince: (host) => scene.paused.get(site.nodeName(host)) ?? scene.paused.get('') ?? null,
    takenBackSince: (host) => {
      const name = site.nodeName(host);
      const word = scene.takenBack.get(name);
      // What is fenced anew is marked anew.
      return word === undefined || word.life !== scene.machine(name).life ? null : word.since;
    },
    hostOf: (name) => site.hostName(site.nodeName(name)),
    shown: (host) => shownOf(scene, host),
    get judgesCounts() {
      return scene.judgesCounts;
    },
    get wantsCommands() {
      return !scene.helpful;
    },
    // An operator's `go` overrides the limits.
    hostsAtOnce: () => (saysGo() ? 0 : configuration.limits.maxHostsAtOnce),
    failedPercent: () => (saysGo() ? 100 : configuration.limits.maxFailedPercent),
    givesUpDisks: configuration.noSharedStorage,
    secrets: [password],
  };
}

/** The transient copy goes first where there is one. */
function isPending({ transient, permanent }: SeenMark): boolean {
  const copy = transient === '' ? permanent : transient;
  return copy !== '' && copy !== 'no';
}

/** An exit reason that names another host says how many more are open. */
function shownOf({ site }: Scene, host: string): string[] {
  const node = site.nodeName(host);
  return [...site.shown]
    .filter(([what, text]) =>
      what.startsWith('exit reason')
        ? text.includes(node) || /more hosts? (is|are) open|evacuations are|cannot be read/.test(text)
        : (what === `evacuation-${node}` || what === `evacuation-${host}`) && text !== '',
    )
    .map(([, text]) => text);
}

export function staysBecause(scene: Scene, { id, metadata, name, ...server }: Server): string | null {
  const { exclude, other_states } = scene.configuration.policy;
  if (metadata['evacuable'] === 'false') return 'evacuable=false';
  if (exclude !== '' && name.startsWith('amphora-')) return 'the operator excludes it';
  // A resize that was under way has ended.
  if (server.vmState === 'resized') return 'it is resized';
  // As it was before anybody reset it.
  const vmState = scene.bornAs.get(id) ?? 'active';
  if (['active', 'stopped', 'error'].includes(vmState)) return null;
  const recovers = other_states === 'recover' && ['paused', 'suspended', 'rescued'].includes(vmState);
  return recovers ? null : `it is ${vmState}`;
}

export function cannotLeaveBecause(scene: Scene, server: Server): string | null {
  const refusal = scene.refused.get(server.id);
  if (refusal !== undefined) return refusal;
  const { sharedStorage } = scene.site.cloud.world.knobs;
  const isLocal = hasLocalDisk(server) && !sharedStorage && !scene.configuration.noSharedStorage;
  return isLocal ? 'its disk lies there' : null;
}

/** All of one priority, so that groups are ordered by name. */
function groupOf({ metadata }: Server): number | null {
  const own = metadata['evacuation_group'];
  if (own === undefined) return null;
  return ['a-db', 'b-app', 'c-web'].indexOf(own);
}
