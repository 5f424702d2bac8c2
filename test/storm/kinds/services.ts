import type { Kind } from './kind.ts';

export const cellDown: Kind = {
  name: 'cell-down',
  part: 0.3,
  begin(scene, draw) {
    const { knobs } = scene.site.cloud.world;
    scene.forAWhile(
      draw,
      'cell down',
      () => {
        knobs.cellDown = true;
      },
      () => {
        knobs.cellDown = false;
      },
    );
  },
};

export const conductorDown: Kind = {
  name: 'conductor-down',
  part: 0.3,
  begin(scene, draw) {
    const { conductor } = scene.site.cloud.world;
    scene.forAWhile(
      draw,
      'conductor down',
      () => conductor.stop(),
      () => conductor.start(),
    );
  },
};

const serviceDown = (service: 'keystone' | 'nova' | 'glance' | 'placement'): Kind => ({
  name: `${service}-down`,
  part: 0.2,
  begin(scene, draw) {
    const { closed } = scene.site.network;
    scene.forAWhile(
      draw,
      `${service} down`,
      () => closed.add(service),
      () => closed.delete(service),
    );
  },
});

export const servicesDown = [
  serviceDown('keystone'),
  serviceDown('nova'),
  serviceDown('glance'),
  serviceDown('placement'),
];

/** Placement fails from some time on, and nobody sees to it. */
export const placementSilent: Kind = {
  name: 'placement-silent',
  part: 0.05,
  begin(scene, draw) {
    const { closed } = scene.site.network;
    scene.soon(draw, () => {
      scene.tell('placement is down for good');
      closed.add('placement');
    });
  },
};

export const tokensRevoked: Kind = {
  name: 'tokens-revoked',
  part: 0.15,
  begin(scene, draw) {
    scene.soon(draw, () => scene.site.cloud.keystone.revokeAll());
  },
};
