import type { Kind } from './kind.ts';

export const attrdDown: Kind = {
  name: 'attrd-down',
  part: 0.3,
  begin(scene, draw) {
    const { pacemaker } = scene.site;
    scene.forAWhile(
      draw,
      'attrd down',
      () => {
        pacemaker.running = false;
      },
      () => {
        pacemaker.running = true;
      },
    );
  },
};

export const crmMonFails: Kind = {
  name: 'crm_mon-fails',
  part: 0.2,
  begin(scene, draw) {
    const { failing } = scene.site.pacemaker;
    scene.forAWhile(
      draw,
      'crm_mon fails',
      () => failing.add('crm_mon'),
      () => failing.delete('crm_mon'),
    );
  },
};

export const noDc: Kind = {
  name: 'no-dc',
  part: 0.2,
  begin(scene, draw) {
    const { pacemaker } = scene.site;
    scene.forAWhile(
      draw,
      'no DC',
      () => {
        pacemaker.hasDc = false;
      },
      () => {
        pacemaker.hasDc = true;
      },
    );
  },
};

/** The partition loses quorum for a while: the CIB takes no changes, and crm_mon says so. attrd goes on. */
export const noQuorum: Kind = {
  name: 'no-quorum',
  part: 0.2,
  begin(scene, draw) {
    const { pacemaker, tools } = scene.site;
    const has = (is: boolean) => () => {
      pacemaker.hasQuorum = is;
      tools.refusesCibWrites = !is;
    };
    scene.forAWhile(draw, 'no quorum', has(false), has(true));
  },
};
