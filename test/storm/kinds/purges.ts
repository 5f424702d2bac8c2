import type { Kind } from './kind.ts';

/** The attributes of a node are forgotten at any time, as when its connection is lost and found. */
export const purged: Kind = {
  name: 'purged',
  part: 0.4,
  begin(scene, draw) {
    // A claim that is taken away while another controller looks is more than a mark can bear.
    if (scene.mode !== 'one') return;
    for (let count = 1 + draw.whole(3); count > 0; count -= 1) {
      scene.soon(draw, () => {
        const node = draw.chance(0.7) ? 'comp0' : 'comp2';
        scene.tell(`attributes of ${node} purged`);
        scene.site.pacemaker.purge(node);
      });
    }
  },
};
