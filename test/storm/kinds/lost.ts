import type { Kind } from './kind.ts';

/** What Nova's API has taken does not come to its end: the message bus loses it, or the conductor gives it up. */
export const busLoses: Kind = {
  name: 'bus-loses',
  part: 0.15,
  begin(scene, draw) {
    const { conductor } = scene.site.cloud.world;
    scene.forAWhile(
      draw,
      'what is sent to the conductor waits, and is lost',
      () => conductor.stop(),
      () => {
        if (draw.chance(0.5)) conductor.lose();
        else conductor.giveUp();
        conductor.start();
      },
    );
  },
};

/**
 * Nova's API answers 500 to a request to evacuate after it has written the task, and the action or the record perhaps: its database
 * or message bus failed there. Nothing comes of it, and nothing is taken back.
 */
export const apiBreaksOff: Kind = {
  name: 'api-breaks-off',
  part: 0.15,
  begin(scene, draw) {
    const { world } = scene.site.cloud;
    const part = 0.02 + draw.random() * 0.15;
    world.breaksOff = () => {
      if (scene.calm || !draw.chance(part)) return null;
      const before = draw.one(['action', 'record', 'cast'] as const);
      scene.tell(`Nova breaks off an evacuation before the ${before}`);
      return before;
    };
  },
};

/** Live migrations and resizes are in flight when their host fails. */
export const movesInFlight: Kind = {
  name: 'moves-in-flight',
  part: 0.15,
  begin(scene, draw) {
    const { cloud, time } = scene.site;
    const { world } = cloud;
    world.knobs.move = draw.between(300, 3_000);
    const home = scene.site.hostName('comp0');
    for (const server of world.servers.values()) {
      if (server.host !== home || server.vmState !== 'active' || !draw.chance(0.3)) continue;
      const to = scene.site.hostName(draw.one(['comp1', 'comp2', 'comp3', 'comp4']));
      const isLive = draw.chance(0.6);
      time.after(draw.random() * 900, () => {
        if (server.host !== home || server.taskState !== null || !world.host(home).alive) return;
        scene.tell(`${server.name} begins to ${isLive ? 'migrate' : 'be resized'} to ${to}`);
        if (isLive) world.moves.liveMigrate(server, to);
        else world.moves.resize(server, to);
      });
    }
  },
};
