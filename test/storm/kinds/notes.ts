import type { Kind } from './kind.ts';

/**
 * The notes of a controller are gone before some of its passes, or are those of long ago: its directory was emptied, could not be
 * written to, or was restored. They decide nothing, so nothing may come of it but a pause.
 */
export const notesLost: Kind = {
  name: 'notes-lost',
  part: 0.25,
  begin(scene, draw) {
    const part = draw.one([0.3, 1]);
    const before: string[] = [''];
    scene.loseNotes = (controller) => {
      before.push(controller.hints);
      if (scene.calm || !draw.chance(part)) return;
      controller.hints = draw.chance(0.7) ? '' : draw.one(before);
      scene.tell(`${controller.name} finds ${controller.hints === '' ? 'no notes' : 'notes of before'}`);
    };
  },
};
