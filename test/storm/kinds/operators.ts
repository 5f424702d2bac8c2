import type { Kind } from './kind.ts';

/** An operator pauses the evacuation of a node, or of all, for a while. */
export const paused: Kind = {
  name: 'paused',
  part: 0.25,
  begin(scene, draw) {
    const { pacemaker, time } = scene.site;
    const node = draw.chance(0.5) ? '' : 'comp0';
    const said = () => {
      if (node === '') return pacemaker.properties;
      const attributes = pacemaker.nodes.get(node) ?? new Map<string, string>();
      pacemaker.nodes.set(node, attributes);
      return attributes;
    };
    time.after(draw.random() * 60_000, () => {
      scene.tell(`pause of ${node || 'all'}: begins`);
      said().set('evacuation', 'pause');
      scene.paused.set(node, time.now());
      scene.hinder(1);
      time.after(20_000 + draw.random() * 60_000, () => {
        scene.tell(`pause of ${node || 'all'}: ends`);
        // Or says that it goes on whatever the limits are.
        if (node === '' && draw.chance(0.2)) said().set('evacuation', 'go');
        else said().delete('evacuation');
        scene.paused.delete(node);
        scene.hinder(-1);
      });
    });
  },
};

/** How often an operator looks at what has become of a word, and for how long. */
const looksAgainMs = 2_000;
const looksForMs = 18_000;

/**
 * An operator takes the mark of a host back in the middle of its evacuation, and sets it again a while later. As the guide has it:
 * in the CIB and then in attrd; or in attrd alone, where a sign of life that is on its way is written over it, or a purge takes
 * it away: then it is looked at, and said again.
 */
export const markTakenBack: Kind = {
  name: 'mark-taken-back',
  part: 0.15,
  begin(scene, draw, machines) {
    const { pacemaker, time } = scene.site;
    let isOver = false;
    machines.fenced.push(({ name, life }) => {
      if (isOver || !draw.chance(0.5)) return;
      isOver = true;
      const isStill = () => scene.machine(name).life === life && !scene.calm;
      time.after(2_000 + draw.random() * 30_000, () => {
        if (!isStill() || !/^(yes|.+@\d+)$/.test(scene.site.mark(name).transient)) return;
        const inCib = draw.chance(0.5);
        const say = () => {
          if (!isStill()) return;
          scene.tell(`an operator sets the mark of ${name} to "no"${inCib ? ', in the CIB as well' : ''}`);
          if (inCib) pacemaker.nodes.get(name)?.set('evacuate', 'no');
          pacemaker.setTransient('evacuate', name, 'no');
          scene.takenBack.set(name, { since: time.now(), life });
        };
        say();
        scene.hinder(1);
        const until = time.now() + looksForMs;
        const look = () => {
          const { transient, permanent } = scene.site.mark(name);
          if (permanent === 'no' || time.now() > until) return;
          if (transient !== 'no') say();
          time.after(looksAgainMs, look);
        };
        if (!inCib) time.after(looksAgainMs, look);
        time.after(20_000 + draw.random() * 60_000, () => {
          scene.takenBack.delete(name);
          scene.hinder(-1);
          if (scene.machine(name).life !== life) return;
          scene.tell(`an operator sets the mark of ${name} to "yes"`);
          pacemaker.setTransient('evacuate', name, 'yes');
        });
      });
    });
  },
};
