import { expect, test } from 'vitest';
import {
  createMarkStore,
  goCommand,
  markName,
  noCommand,
  nodeName,
  unsayCommand,
} from '../../../lib/attrd/index.ts';
import { FakePacemaker } from '../../simulators/world/fakePacemaker.ts';

/** Types a command line as it is shown. */
async function type(pacemaker: FakePacemaker, line: string): Promise<number[]> {
  const codes: number[] = [];
  for (const command of line.split('; ')) {
    const [tool = '', ...args] = command.split(' ');
    codes.push((await pacemaker.run(tool, args)).exitCode);
  }
  return codes;
}

test.each(['pending', 'claimed', 'purged'])(
  "an operator's no ends a mark that is %s, and no claim undoes it",
  async (state) => {
    const pacemaker = new FakePacemaker('2.1.5', ['ctl0'], ['comp0']);
    const marks = createMarkStore({ env: {}, timeoutMs: 1000, run: pacemaker.run });
    const name = markName('comp0');
    await marks.setYes(name, 'ctl0');
    const [reading] = (await marks.readAll()).marks;
    if (reading === undefined) throw new Error('no reading');
    if (state === 'claimed') await marks.own(reading, 'ctl0');
    if (state === 'purged') pacemaker.purge('comp0');
    expect(await type(pacemaker, noCommand(name))).toEqual([0, 0]);
    if (state === 'claimed') await marks.claim(name, { who: 'ctl0', at: 5 });
    pacemaker.purge(state === 'claimed' ? 'nobody' : 'comp0');
    expect((await marks.readAll()).marks).toMatchObject([{ name, mark: { kind: 'no' } }]);
  },
);

test('for a name that is no cluster node the second half is what counts', async () => {
  const pacemaker = new FakePacemaker('2.1.5', ['ctl0'], ['comp0']);
  const marks = createMarkStore({ env: {}, timeoutMs: 1000, run: pacemaker.run });
  const name = markName('hv-1');
  await marks.setYes(name, 'ctl0');
  expect((await type(pacemaker, noCommand(name))).at(-1)).toBe(0);
  expect((await marks.readAll()).marks).toMatchObject([{ name, mark: { kind: 'no' } }]);
});

test("an operator's word on evacuations", () => {
  expect(goCommand(markName('comp0'))).toBe('crm_attribute -N comp0 -n evacuation -l forever -v go');
  expect(unsayCommand(null, false)).toBe('crm_attribute -t crm_config -n evacuation -D');
  expect(unsayCommand(nodeName('comp0'), false)).toBe('crm_attribute -N comp0 -n evacuation -D');
  expect(unsayCommand(nodeName('comp0'), true)).toBe('attrd_updater -n evacuation -N comp0 -D');
});
