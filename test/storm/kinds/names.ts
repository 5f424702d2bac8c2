import type { Kind } from './kind.ts';

/**
 * A host is marked a second time under its other name: the cluster knows `comp0`, Nova `comp0.example.org`, and another
 * tool of the operator's marks what Nova knows.
 */
export const secondName: Kind = {
  name: 'second-name',
  part: 0.2,
  begin(scene, draw, machines) {
    const { site } = scene;
    machines.fenced.push(({ name }) => {
      const host = site.hostName(name);
      if (host === name || !draw.chance(0.5)) return;
      site.time.after(draw.random() * 40_000, () => {
        if (site.host(name).powered) return;
        scene.tell(`a second mark under ${host}`);
        // The newer word.
        scene.takenBack.delete(name);
        site.pacemaker.setTransient('evacuate', host, 'yes');
      });
    });
  },
};
