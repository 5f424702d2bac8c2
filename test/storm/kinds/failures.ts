import type { Kind } from './kind.ts';

/** More than the one failure that every incident has, of the same host or of others. */
export const furtherFailures: Kind = {
  name: 'further-failures',
  part: 0.75,
  begin(scene, draw, machines) {
    for (let count = 1 + draw.whole(3); count > 0; count -= 1) {
      scene.soon(draw, () => machines.die(draw.chance(0.5) ? 'comp0' : `comp${draw.whole(5)}`));
    }
  },
};

/** A rack loses its power: several hosts at nearly the same time. */
export const rackFails: Kind = {
  name: 'rack-fails',
  part: 0.15,
  begin(scene, draw, machines) {
    const at = draw.random() * 30_000;
    for (const name of ['comp1', 'comp2', 'comp3']) {
      if (draw.chance(0.7)) scene.site.time.after(at + draw.random() * 8_000, () => machines.die(name));
    }
  },
};

/** Every process of an agent may be killed at any moment. */
export const killedProcesses: Kind = {
  name: 'killed-processes',
  part: 0.9,
  begin(scene) {
    scene.kills = true;
  },
};
