import type { Server } from '../simulators/cloud/model.ts';
import type { Machines } from './machines.ts';
import type { Scene } from './scene.ts';

/** Until somebody reads what the agents say, and does it. */
const readsAfterMs = 120_000;
/** Until somebody who knows Nova looks at what is stuck, whatever the agents say. */
const helpsAfterMs = 900_000;

const operator = { userId: 'the-operator', projectId: 'admin', requestId: 'req-operator' };

const commands = {
  reset:
    /openstack (?:--\S+(?: \S+)? )*server set (?:--os-compute-api-version \S+ )?--state (error|active) ([0-9a-f-]{36})/,
  reboot: /openstack server reboot --hard ([0-9a-f-]{36})/,
  stop: /openstack server stop ([0-9a-f-]{36})/,
  fence: /(?:pcs stonith fence|stonith_admin --fence) ([\w.-]+)/,
} as const;

/** Whoever looks after the cluster: does what the agents' own sentences name, once, and nothing of their own accord. */
export class Operator {
  readonly #scene: Scene;
  readonly #machines: Machines;
  #read = 0;
  readonly #done = new Set<string>();
  /** Since when evacuations lie in the queue of a nova-compute that died before Nova knew. */
  readonly #posted = new Map<string, number>();

  constructor(scene: Scene, machines: Machines) {
    this.#scene = scene;
    this.#machines = machines;
  }

  look(): void {
    const { told } = this.#scene.site;
    for (; this.#read < told.length; this.#read += 1) this.#heed(told[this.#read] ?? '');
    if (this.#scene.helpful) this.#help();
  }

  #heed(sentence: string): void {
    const { site } = this.#scene;
    const [reset, state, id] = commands.reset.exec(sentence) ?? [];
    if (reset !== undefined && state !== undefined) {
      this.#once(reset, () => {
        const server = site.cloud.world.servers.get(id ?? '');
        // It may have gone on by itself meanwhile, and then no host that bears a mark has it, nor one whose release waits for it.
        if (server === undefined) return;
        const { transient, permanent } = site.mark(site.nodeName(server.host ?? ''));
        const isRebuilding = server.taskState?.startsWith('rebuild') ?? false;
        const mark = transient || permanent;
        if (mark === '' || (mark === 'no' && !isRebuilding)) return;
        // As the sentence says: whoever may be at it is ended first, and where it may run it is looked for.
        site.cloud.world.conductor.forget(server);
        for (const host of site.cloud.world.hosts.values()) {
          if (host.name !== server.host && host.domains.has(server.id)) host.domains.delete(server.id);
        }
        site.cloud.world.guests.resetState(server, state, operator);
      });
    }
    const [reboot, rebooted] = commands.reboot.exec(sentence) ?? [];
    if (reboot !== undefined) {
      this.#once(reboot, () => {
        const server = site.cloud.world.servers.get(rebooted ?? '');
        // It may have been started, or have left, meanwhile.
        if (server?.vmState !== 'error' || server.taskState !== null) return;
        site.cloud.world.guests.rebootHard(server, operator);
      });
    }
    const [stop, stopped] = commands.stop.exec(sentence) ?? [];
    if (stop !== undefined) {
      this.#once(stop, () => {
        const server = site.cloud.world.servers.get(stopped ?? '');
        if (server?.vmState !== 'error' || server.taskState !== null) return;
        site.cloud.world.guests.stop(server, operator);
      });
    }
    const [fence, node] = commands.fence.exec(sentence) ?? [];
    if (fence !== undefined && node !== undefined && site.nodes.includes(site.nodeName(node))) {
      this.#once(fence, () => this.#machines.fenceByHand(site.nodeName(node)));
    }
  }

  #once(command: string, act: () => void): void {
    if (this.#done.has(command)) return;
    this.#done.add(command);
    this.#scene.site.time.after(readsAfterMs, () => {
      this.#done.delete(command);
      if (this.#scene.over) return;
      this.#scene.tell(`an operator does: ${command}`);
      act();
    });
  }

  #help(): void {
    const { world } = this.#scene.site.cloud;
    for (const server of world.servers.values()) {
      this.#emptyQueue(server);
      const { conductor } = world;
      const isLive = conductor.isLive(server.id) && !conductor.isPosted(server.id);
      const since = world.clock.now() - server.updatedAt;
      if (!server.taskState?.startsWith('rebuild') || isLive || since < helpsAfterMs) continue;
      this.#scene.tell(`somebody resets ${server.name}, though no agent has said so`);
      // And empties the queue of the dead host that it was sent to.
      conductor.forget(server);
      server.vmState = 'error';
      server.taskState = null;
      world.touch(server);
    }
  }

  #emptyQueue(server: Server): void {
    const { time, cloud } = this.#scene.site;
    const { conductor } = cloud.world;
    const now = time.now();
    if (!conductor.isPosted(server.id)) this.#posted.delete(server.id);
    else if (!this.#posted.has(server.id)) this.#posted.set(server.id, now);
    else if (now - (this.#posted.get(server.id) ?? now) > helpsAfterMs) {
      this.#scene.tell(`somebody empties the queue that ${server.name} lies in`);
      conductor.forget(server);
    }
  }
}
