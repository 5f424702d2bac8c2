/** Plays what happens in a scenario, step by step. */
import type { PassOutcome } from '../../../../../lib/evacuation/index.ts';
import type { Controller } from '../../../../simulators/world/controller.ts';
import type { BegunPass } from '../../../../simulators/world/life.ts';
import { type Scene, whole } from '../../scene.ts';
import { check, type Played } from './check.ts';
import { duration, fields, map, number, text, texts, yes } from './read.ts';
import { idOf } from './world.ts';

export async function play(scene: Scene, when: readonly unknown[]): Promise<Played> {
  const played = new Player(scene);
  for (const step of when) {
    const [entry, ...more] = Object.entries(map(step));
    if (entry === undefined || more.length > 0) throw new Error(`${JSON.stringify(step)} is not one step`);
    await played.step(...entry);
  }
  return played;
}

const byHand = { userId: 'the-operator', projectId: 'admin', requestId: 'req-operator' };

class Player implements Played {
  readonly scene: Scene;
  readonly startedAt: number;
  readonly outcomes: PassOutcome[] = [];
  #running: BegunPass | null = null;

  constructor(scene: Scene) {
    this.scene = scene;
    this.startedAt = scene.time.now();
  }

  async step(what: string, data: unknown): Promise<void> {
    const { scene } = this;
    const { cloud, time, pacemaker, site } = scene;
    switch (what) {
      case 'fence': {
        const fence = typeof data === 'string' ? { node: data } : fields(data, ['node', 'nova'], what);
        const node = text(fence['node']);
        if (fence['nova'] === undefined) await scene.fence(node);
        else if (fence['nova'] === 'is not told') scene.fenceUntold(node);
        else throw new Error('nova');
        return;
      }
      case 'pass':
        this.outcomes.push(await scene.outcome(this.#controller(data)));
        return;
      case 'passes': {
        const passes = fields(data, ['most', 'on'], what);
        const controller = this.#controller(passes['on'] ?? 'ctl0');
        this.outcomes.push(...(await scene.passes(number(passes['most']), controller)).map(whole));
        return;
      }
      case 'a pass begins':
        this.#running = scene.begin(this.#controller(data));
        return;
      case 'the pass ends':
        this.outcomes.push(await scene.end(this.#takeRunning()));
        return;
      case 'the pass is killed':
        this.#takeRunning().kill();
        return;
      case 'wait':
        await time.pass(duration(data));
        return;
      case 'node is new':
        this.#controller(data).hints = '';
        return;
      case 'conductor':
        if (text(data) === 'up') cloud.conductor.start();
        else cloud.conductor.stop();
        return;
      case 'cell':
        cloud.knobs.cellDown = text(data) === 'down';
        return;
      case 'cluster':
        pacemaker.running = text(data) === 'up';
        return;
      case 'mark': {
        const mark = fields(data, ['name', 'transient', 'permanent'], what);
        const permanent = mark['permanent'];
        const value = text(mark['transient']).replace(/@(\d+ \w+) ago$/, (_, ago: string) => {
          return `@${Math.floor((time.now() - duration(ago)) / 1000)}`;
        });
        scene.setMark(text(mark['name']), value, ...(permanent === undefined ? [] : [text(permanent)]));
        return;
      }
      case 'forgotten attributes of':
        pacemaker.purge(text(data));
        return;
      case 'word':
        for (const [where, word] of Object.entries(texts(data))) {
          scene.say(where === 'cluster' ? '' : where, word === 'nothing' ? null : word);
        }
        return;
      case 'fencing under way':
        pacemaker.noteFencing(text(data), null);
        return;
      case 'host':
        this.#changeHost(data);
        return;
      case 'power off':
        scene.lose(text(data));
        return;
      case 'boot':
        site.boot(text(data));
        return;
      case 'nova-compute starts on':
        site.startCompute(text(data));
        return;
      case 'nova-compute hangs on':
        cloud.freezeCompute(scene.hostName(text(data)), { inMidWork: true });
        return;
      case 'nova-compute works again on':
        cloud.thawCompute(scene.hostName(text(data)));
        return;
      case 'reset by hand':
        cloud.guests.resetState(scene.server(idOf(text(data))), 'error', byHand);
        return;
      case 'evacuate by hand':
        cloud.evacuate(scene.server(idOf(text(data))), {}, byHand);
        return;
      case 'delete':
        cloud.deleteServer(scene.server(idOf(text(data))));
        return;
      case 'then':
        check(this, data, 'in between');
        return;
      default:
        throw new Error(`there is no step ${what}`);
    }
  }

  #controller(data: unknown): Controller {
    const name = text(data);
    if (name !== 'ctl0' && name !== 'ctl1') throw new Error(`${name} is no controller`);
    return this.scene[name];
  }

  #takeRunning(): BegunPass {
    const running = this.#running;
    if (running === null) throw new Error('no pass is running');
    this.#running = null;
    return running;
  }

  #changeHost(data: unknown): void {
    const change = fields(data, ['name', 'refuses', 'enabled', 'forced down', 'vcpus', 'reason'], 'host');
    const { scene } = this;
    const name = text(change['name']);
    const host = scene.host(name);
    if (change['refuses'] !== undefined) host.spawnFail = yes(change['refuses']);
    if (change['enabled'] !== undefined) scene.setEnabled(name, yes(change['enabled']));
    if (change['reason'] !== undefined) host.disabledReason = text(change['reason']);
    if (change['forced down'] !== undefined) host.forcedDown = yes(change['forced down']);
    if (change['vcpus'] !== undefined) host.capacity.VCPU = number(change['vcpus']);
  }
}
