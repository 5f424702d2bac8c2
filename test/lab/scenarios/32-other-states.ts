import type { Server } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import { setParameters } from '../driver/resource.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';

const scenario: Scenario = {
  title:
    'other_states=recover: paused and suspended ones run again, a stopped one in ERROR is off again, a stuck task is no obstacle',
  seconds: 240,
  async run(lab) {
    const { cloud } = lab;
    await setParameters(lab, { other_states: 'recover' });
    await control('boot-delay', NODE, 'never');
    const booted = await cloud.boot(8, NODE, 'vm');
    const named = (name: string): Server => {
      const server = booted.find((s) => s.name === name);
      if (server === undefined) throw new Error(`no ${name}`);
      return server;
    };
    const [paused, suspended, locked] = [named('vm-1'), named('vm-2'), named('vm-3')];
    const [errorOff, errorOn, off, stuck] = [named('vm-4'), named('vm-5'), named('vm-6'), named('vm-7')];
    await cloud.action(paused.id, 'pause');
    await cloud.action(suspended.id, 'suspend');
    await cloud.action(locked.id, 'pause');
    for (const server of [errorOff, off]) await cloud.action(server.id, 'os-stop');
    await cloud.waitServers('the states', 60, (all) => {
      const count = (status: string): number =>
        all.filter((s) => s.status === status && s.taskState === null).length;
      return (count('SHUTOFF') === 2 && count('PAUSED') === 2 && count('SUSPENDED') === 1) || undefined;
    });
    await cloud.action(locked.id, 'lock');
    for (const server of [errorOff, errorOn])
      await cloud.action(server.id, 'os-resetState', { state: 'error' });
    lab.say(
      `on ${NODE}: 2 paused (one locked), 1 suspended, 1 stopped, 2 in error (one of them stopped), 2 active`,
    );

    await lab.losePower(NODE);
    // Nova takes the service for up for some seconds more, accepts this, and nobody ever does it.
    await cloud.action(stuck.id, 'reboot', { type: 'HARD' });
    const before = await cloud.servers();
    lab.say(
      `a hard reboot is asked for ${stuck.name}: task ${before.find((s) => s.id === stuck.id)?.taskState}`,
    );
    await lab.waitEvacuated(NODE, 150);

    await lab.judgeFencedOnce(NODE);
    // What each was before its host died, as far as its owner is concerned.
    const wished = booted.map((server): Server => {
      const status = server === errorOff || server === off ? 'SHUTOFF' : 'ACTIVE';
      return { ...server, status, locked: server === locked };
    });
    // One that is switched off again is so a moment after its evacuation.
    await cloud
      .waitServers('no instance in a task', 30, (all) => {
        const errorIsOff = all.find((s) => s.id === errorOff.id)?.status === 'SHUTOFF';
        return (errorIsOff && all.every((s) => s.taskState === null)) || undefined;
      })
      .catch(() => undefined);
    await lab.judgeEvacuated(wished, NODE);
    for (const server of [paused, suspended]) {
      const said = lab.timeline.agentLog.some((l) => l.includes(server.id) && /reset/i.test(l));
      lab.check(said, `the log says that the state of ${server.name} was reset`);
    }
  },
};
export default scenario;
