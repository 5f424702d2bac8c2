/** Plays what happens in a scenario, step by step. */
import { Hints, type PassOutcome } from '../../../../../lib/evacuation/index.ts';
import type { Controller, Rig, RunningPass } from '../../rig.ts';
import { check, type Played } from './check.ts';
import { duration, fields, map, number, text, texts, yes } from './read.ts';
import { idOf } from './world.ts';

export async function play(rig: Rig, when: readonly unknown[]): Promise<Played> {
  const played = new Player(rig);
  for (const step of when) {
    const [entry, ...more] = Object.entries(map(step));
    if (entry === undefined || more.length > 0) throw new Error(`${JSON.stringify(step)} is not one step`);
    await played.step(...entry);
  }
  return played;
}

class Player implements Played {
  readonly rig: Rig;
  readonly startedAt: number;
  readonly outcomes: PassOutcome[] = [];
  #running: RunningPass | null = null;

  constructor(rig: Rig) {
    this.rig = rig;
    this.startedAt = rig.time.now();
  }

  async step(what: string, data: unknown): Promise<void> {
    const { nova, time, pacemaker } = this.rig;
    switch (what) {
      case 'fence': {
        const fence =
          typeof data === 'string' ? { host: data } : fields(data, ['host', 'node', 'nova'], what);
        const node = fence['node'];
        if (fence['nova'] !== undefined && fence['nova'] !== 'is not told') throw new Error('nova');
        this.rig.fence(text(fence['host']), {
          tellNova: fence['nova'] === undefined,
          ...(node === undefined ? {} : { name: text(node) }),
        });
        return;
      }
      case 'pass':
        this.outcomes.push(await this.rig.pass(this.#controller(data)));
        return;
      case 'passes': {
        const passes = fields(data, ['most', 'on'], what);
        this.outcomes.push(
          ...(await this.rig.passes(number(passes['most']), this.#controller(passes['on'] ?? 'ctl0'))),
        );
        return;
      }
      case 'a pass begins':
        this.#running = this.rig.start(this.#controller(data));
        return;
      case 'the pass ends':
        this.outcomes.push(await time.until(this.#takeRunning().outcome));
        return;
      case 'the pass is killed':
        this.#takeRunning().process.kill();
        return;
      case 'wait':
        await time.pass(duration(data));
        return;
      case 'node is new':
        this.#controller(data).hints = new Hints();
        return;
      case 'conductor':
        nova.conductorUp = text(data) === 'up';
        return;
      case 'cell':
        nova.cellDown = text(data) === 'down';
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
        this.rig.setMark(text(mark['name']), value, ...(permanent === undefined ? [] : [text(permanent)]));
        return;
      }
      case 'forgotten attributes of':
        pacemaker.purge(text(data));
        return;
      case 'word':
        for (const [where, word] of Object.entries(texts(data))) this.#say(where, word);
        return;
      case 'fencing under way':
        pacemaker.noteFencing(text(data), null);
        return;
      case 'host':
        this.#changeHost(data);
        return;
      case 'power off':
        nova.powerOff(text(data));
        pacemaker.lost.add(text(data));
        return;
      case 'boot':
        this.rig.boot(text(data));
        return;
      case 'nova-compute starts on':
        nova.startCompute(text(data), false);
        return;
      case 'nova-compute hangs on':
        nova.silence(text(data));
        return;
      case 'nova-compute works again on':
        nova.wake(text(data));
        return;
      case 'reset by hand':
        nova.resetByHand(idOf(text(data)));
        return;
      case 'evacuate by hand':
        nova.evacuateByHand(idOf(text(data)));
        return;
      case 'delete':
        nova.delete(idOf(text(data)));
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
    return this.rig[name];
  }

  #takeRunning(): RunningPass {
    const running = this.#running;
    if (running === null) throw new Error('no pass is running');
    this.#running = null;
    return running;
  }

  /** The operator's word: of the cluster, or of a node. */
  #say(where: string, word: string): void {
    const { pacemaker } = this.rig;
    const attributes =
      where === 'cluster' ? pacemaker.properties : (pacemaker.nodes.get(where) ?? new Map<string, string>());
    if (where !== 'cluster') pacemaker.nodes.set(where, attributes);
    if (word === 'nothing') attributes.delete('evacuation');
    else attributes.set('evacuation', word);
  }

  #changeHost(data: unknown): void {
    const change = fields(data, ['name', 'refuses', 'enabled', 'forced down', 'vcpus', 'reason'], 'host');
    const host = this.rig.nova.host(text(change['name']));
    if (change['refuses'] !== undefined) host.refuses = yes(change['refuses']);
    if (change['enabled'] !== undefined) host.enabled = yes(change['enabled']);
    if (change['reason'] !== undefined) host.disabledReason = text(change['reason']);
    if (change['forced down'] !== undefined) host.forcedDown = yes(change['forced down']);
    if (change['vcpus'] !== undefined) host.room = { vcpus: number(change['vcpus']), memoryMb: 1_000_000 };
  }
}
