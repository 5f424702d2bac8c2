import type { Kind } from './kind.ts';

const machines = ['ctl0', 'ctl1', 'nova', 'comp0', 'comp1', 'comp2', 'comp3', 'comp4'];

/** Nobody runs NTP: every clock is wrong by up to three minutes, one way or the other. */
export const clocksDiffer: Kind = {
  name: 'clocks-differ',
  part: 0.2,
  begin({ site }, draw) {
    for (const machine of machines) site.clocks.set(machine, draw.between(-180_000, 180_000));
  },
};

/** Somebody sets a clock in the middle of it, by seconds or by an hour. */
export const clockSteps: Kind = {
  name: 'clock-steps',
  part: 0.15,
  begin(scene, draw) {
    const machine = draw.one(['ctl0', 'ctl0', 'ctl1', 'nova']);
    const { clocks, time } = scene.site;
    scene.soon(draw, () => {
      const ms = draw.one([-3_600_000, -90_000, -20_000, 20_000, 90_000, 3_600_000]);
      scene.tell(`the clock of ${machine} is set by ${ms / 1000} s`);
      clocks.set(machine, clocks.now(machine) - time.now() + ms);
    });
  },
};
