import type { Kind } from './kind.ts';

export const roomShort: Kind = {
  name: 'room-short',
  part: 0.25,
  begin(scene, draw) {
    scene.isRoomShort = true;
    const small = 128 * (1 + draw.whole(6));
    for (const host of scene.site.cloud.world.hosts.values()) host.capacity.MEMORY_MB = small;
    scene.tell(`every host has room for ${small / 128} instances`);
  },
};

export const spawnRefused: Kind = {
  name: 'spawn-refused',
  part: 0.5,
  begin(scene, draw) {
    const refusing = ['comp1', 'comp2', 'comp3', 'comp4'].filter(() => draw.chance(0.6));
    const refuse = (is: boolean) => () => {
      for (const name of refusing) scene.site.host(name).spawnFail = is;
    };
    scene.forAWhile(draw, `${refusing.join(', ')} refuse to spawn`, refuse(true), refuse(false));
  },
};

/** A nova-compute neither reports nor answers for a while, and goes on where it was. */
export const computeHangs: Kind = {
  name: 'compute-hangs',
  part: 0.3,
  begin(scene, draw) {
    const { world } = scene.site.cloud;
    const hanging = scene.site.hostName('comp3');
    let life = -1;
    scene.forAWhile(
      draw,
      'comp3 hangs',
      () => {
        if (!world.host(hanging).alive) return;
        life = world.host(hanging).life;
        world.freezeCompute(hanging);
      },
      () => {
        if (world.host(hanging).life === life) world.thawCompute(hanging);
      },
    );
  },
};

/** Longer than any incident. */
const neverMs = 2_000_000_000;

/** What a host begins to rebuild in some minutes it never finishes, though its nova-compute reports on and on. */
export const neverFinishes: Kind = {
  name: 'never-finishes',
  part: 0.1,
  begin(scene, draw) {
    const name = draw.one(['comp1', 'comp2', 'comp3']);
    const host = scene.site.host(name);
    const { spawn } = host;
    scene.forAWhile(
      draw,
      `${name} finishes nothing that it begins`,
      () => {
        host.spawn = neverMs;
      },
      () => {
        host.spawn = spawn;
      },
    );
  },
};

/** An operator disables a host that lives, for a while. */
export const hostDisabled: Kind = {
  name: 'host-disabled',
  part: 0.2,
  begin(scene, draw) {
    const { world } = scene.site.cloud;
    const name = scene.site.hostName('comp4');
    const isLiving = () => world.host(name).alive && !world.host(name).forcedDown;
    scene.forAWhile(
      draw,
      'comp4 is disabled',
      () => {
        if (!isLiving() || world.host(name).disabled) return;
        world.setDisabled(world.host(name), true, 'to be looked at');
      },
      () => {
        const host = world.host(name);
        if (host.disabledReason !== 'to be looked at') return;
        // It is the operator's own reason: nobody else takes it back.
        host.disabled = false;
        host.disabledReason = null;
        if (host.alive) host.disabledTrait = false;
      },
    );
  },
};
