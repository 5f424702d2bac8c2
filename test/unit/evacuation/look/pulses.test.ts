import { expect, test } from 'vitest';
import { Attributes, nodeName } from '../../../../lib/attrd/index.ts';
import { hostKey } from '../../../../lib/evacuation/incident/names.ts';
import { readPulses, returningAttribute } from '../../../../lib/evacuation/look/pulses.ts';
import { FakePacemaker } from '../../../simulators/world/fakePacemaker.ts';

test("a machine's pulse is found in whatever case its nova.conf spells the host", async () => {
  const attributes = new Attributes(new FakePacemaker().run);
  const options = { host: nodeName('comp0'), private: true };
  await attributes.updateTransient(returningAttribute, 'Comp0.Example@17', options);
  expect((await readPulses(attributes)).get(hostKey('comp0.example'))).toBe('Comp0.Example@17');
});
