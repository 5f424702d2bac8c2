import { Controller } from '../simulators/world/controller.ts';
import type { Scene } from './scene.ts';

/** NovaEvacuate on one of two controllers, every ten seconds, for as long as the incident lasts. */
export class ControllerPair {
  readonly #scene: Scene;
  readonly #controllers: readonly [Controller, Controller];

  constructor(scene: Scene) {
    this.#scene = scene;
    const { controllerName } = scene.sabotage;
    this.#controllers = [
      new Controller(scene.site, 'ctl0', controllerName),
      new Controller(scene.site, 'ctl1', controllerName),
    ];
  }

  monitorForEver(): void {
    const again = async () => {
      let [here, there] = this.#controllers;
      while (!this.#scene.over) {
        // Pacemaker may be late to notice that the resource was moved.
        if (this.#scene.mode === 'twins' && !this.#scene.calm && this.#scene.chance(0.3))
          void this.#monitor(there);
        const killed = await this.#monitor(here);
        if (killed && this.#scene.mode !== 'one' && this.#scene.chance(0.6)) {
          [here, there] = [there, here];
          await this.#scene.sleep(this.#scene.random() * 10_000);
        }
        await this.#scene.sleep(killed ? this.#scene.random() * 10_000 : 10_000);
      }
    };
    again().catch((error: unknown) => {
      this.#scene.trouble.push(`${this.#scene.time()} I9: NovaEvacuate threw ${String(error)}`);
    });
  }

  /** Whether it was killed. */
  async #monitor(controller: Controller): Promise<boolean> {
    const { time, network } = this.#scene.site;
    this.#scene.loseNotes?.(controller);
    let killed = false;
    let ended = false;
    const sabotaged = this.#scene.sabotage.configuration?.(this.#scene.configuration);
    await controller.monitor(
      { ...this.#scene.configuration, ...sabotaged },
      this.#scene.teller(controller.name),
      (process, kill) => {
        if (!this.#scene.kills || this.#scene.calm || !this.#scene.chance(0.3)) return;
        const tryToKill = () => {
          if (ended || !process.alive) return;
          if (this.#scene.mode === 'failover' && network.evacuationsUnderWay > 0) {
            time.after(100, tryToKill);
            return;
          }
          this.#scene.tell(`killed the pass on ${controller.name}`);
          killed = true;
          kill();
        };
        time.after(this.#scene.random() * 25_000, tryToKill);
      },
    );
    ended = true;
    return killed;
  }
}
