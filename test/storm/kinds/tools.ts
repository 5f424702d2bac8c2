import { failed } from '../../simulators/world/fakePacemaker.ts';
import type { ToolTrouble } from '../../simulators/world/tools.ts';
import type { Draw } from '../draw.ts';
import type { Scene } from '../scene.ts';
import type { Kind } from './kind.ts';

/** Adds a trouble of single calls to those that are there; none once the storm is over. */
function trouble(scene: Scene, next: (tool: string) => ToolTrouble | null): void {
  const { tools } = scene.site;
  const others = tools.trouble;
  tools.trouble = (tool, args) => (scene.calm ? null : next(tool)) ?? others(tool, args);
}

/** Every call takes seconds for a while, as on a controller that swaps. */
export const toolsSlow: Kind = {
  name: 'tools-slow',
  part: 0.2,
  begin(scene, draw) {
    let isSlow = false;
    trouble(scene, () => (isSlow ? { lateMs: draw.random() * 3_500 } : null));
    scene.forAWhile(
      draw,
      'tools are slow',
      () => {
        isSlow = true;
      },
      () => {
        isSlow = false;
      },
    );
  },
};

/** Single calls fail, and the next one goes well. */
export const toolFailsOnce: Kind = {
  name: 'tool-fails-once',
  part: 0.2,
  begin(scene, draw) {
    const part = 0.005 + draw.random() * 0.03;
    trouble(scene, (tool) =>
      draw.chance(part) ? { answer: failed(102, `${tool}: Could not connect: Connection refused`) } : null,
    );
  },
};

/** Single calls hang until they are stopped, with or without having done their work. */
export const toolHangs: Kind = {
  name: 'tool-hangs',
  part: 0.15,
  begin(scene, draw) {
    const part = 0.002 + draw.random() * 0.008;
    trouble(scene, () => (draw.chance(part) ? { hangs: when(draw) } : null));
  },
};

const when = (draw: Draw) => draw.one(['before', 'after'] as const);
