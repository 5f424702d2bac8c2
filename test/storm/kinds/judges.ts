import type { Kind } from './kind.ts';

// No trouble, but more that is looked at: each holds the agents to one more rule.

/** Nobody repairs what is stuck unless an agent's own sentence names the command. */
export const nobodyHelps: Kind = {
  name: 'nobody-helps',
  part: 1,
  begin(scene) {
    scene.helpful = false;
  },
};

/** Somebody counts what the agents say that they have evacuated. */
export const countsJudged: Kind = {
  name: 'counts-judged',
  part: 1,
  begin(scene) {
    scene.judgesCounts = true;
  },
};

/** Somebody looks whether attributes of a return are still shown once it is over. */
export const attributesJudged: Kind = {
  name: 'attributes-judged',
  part: 1,
  begin(scene) {
    scene.judgesAttributes = true;
  },
};
