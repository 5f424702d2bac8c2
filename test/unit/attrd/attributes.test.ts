import { describe, expect, test } from 'vitest';
import { Attributes, type CommandResult } from '../../../lib/attrd/index.ts';
import { done, FakePacemaker, failed, manners } from '../../simulators/world/fakePacemaker.ts';
import { plainly } from '../names.ts';

const versions = ['1.1.18', '2.0.5', '2.1.5', '3.0.2'] as const satisfies (keyof typeof manners)[];

/** Attributes over one answer for whatever is asked. */
const answered = (result: CommandResult) => plainly(new Attributes(async () => result));

describe.each(versions)('Pacemaker %s', (version) => {
  const setup = () => {
    const pacemaker = new FakePacemaker(version);
    return { pacemaker, attributes: plainly(new Attributes(pacemaker.run)) };
  };

  test('an attribute that was never set has no values', async () => {
    expect(await setup().attributes.queryTransient('evacuate')).toEqual([]);
  });

  test('what was set is read for every host, emptied values included', async () => {
    const { attributes } = setup();
    await attributes.updateTransient('evacuate', 'yes', { host: 'comp0', private: true });
    await attributes.updateTransient('evacuate', 'a "quoted" value', { host: 'comp1', private: true });
    await attributes.updateTransient('evacuate', 'no', { host: 'comp2', private: true });
    await attributes.deleteTransient('evacuate', { host: 'comp2', private: true });
    const values = await attributes.queryTransient('evacuate');
    expect(values.map(({ host, value }) => [host, value])).toEqual([
      ['comp0', 'yes'],
      ['comp1', 'a "quoted" value'],
      ['comp2', ''],
    ]);
  });

  test('without a cluster every question and every change fails with code noCluster and one sentence', async () => {
    const { pacemaker, attributes } = setup();
    pacemaker.running = false;
    for (const call of [
      attributes.queryTransient('evacuate'),
      attributes.queryNodes(),
      attributes.queryHostMap('fence_compute'),
      attributes.updateTransient('evacuate', 'yes', { host: 'comp0', private: true }),
      attributes.deleteTransient('evacuate', { host: 'comp0', private: true }),
      attributes.updatePermanent('comp0', 'evacuate', 'yes'),
    ]) {
      const error = await call.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        name: 'AttrdError',
        code: 'noCluster',
        exitCode: manners[version].disconnected,
      });
      expect(String(error)).toMatch(/failed: the cluster does not answer on this machine/);
      expect(String(error)).not.toContain('\n');
    }
  });

  test('a name that is no node has no permanent attributes, and that is no failure', async () => {
    const { pacemaker, attributes } = setup();
    expect(await attributes.updatePermanent('nosuch', 'evacuate', 'yes')).toBe(false);
    expect(await attributes.updatePermanent('comp0', 'evacuate', 'yes')).toBe(true);
    expect(pacemaker.permanent('comp0')).toBe('yes');
  });

  test('no fence device with a host map is an empty map', async () => {
    expect([...(await setup().attributes.queryHostMap('fence_compute'))]).toEqual([]);
  });
});

describe('tools that do not know --output-as', () => {
  test.each(['1.1.18', '2.0.5'] as const)(
    '%s: asked in text from then on, XML is tried once',
    async (version) => {
      const pacemaker = new FakePacemaker(version);
      const attributes = plainly(new Attributes(pacemaker.run));
      pacemaker.transient.set('evacuate', new Map([['comp0', 'yes']]));
      await attributes.queryTransient('evacuate');
      await attributes.queryTransient('evacuate');
      expect(pacemaker.calls).toEqual([
        'attrd_updater --query --all --name=evacuate --output-as=xml',
        'attrd_updater --query --all --name=evacuate',
        'attrd_updater --query --all --name=evacuate',
      ]);
    },
  );

  test('an answer by words alone is understood as well, whatever the exit code', async () => {
    const pacemaker = new FakePacemaker('1.1.18');
    pacemaker.intercept = (line) =>
      line.includes('xml') ? failed(1, "attrd_updater: unrecognized option '--output-as=xml'") : null;
    pacemaker.transient.set('evacuate', new Map([['comp0', 'yes']]));
    expect(await plainly(new Attributes(pacemaker.run)).queryTransient('evacuate')).toHaveLength(1);
  });

  test('a failure in passing does not make it forget XML', async () => {
    const pacemaker = new FakePacemaker('2.1.5');
    const attributes = plainly(new Attributes(pacemaker.run));
    pacemaker.running = false;
    await expect(attributes.queryTransient('evacuate')).rejects.toMatchObject({ code: 'noCluster' });
    pacemaker.running = true;
    await attributes.queryTransient('evacuate');
    expect(pacemaker.calls.every((line) => line.endsWith('--output-as=xml'))).toBe(true);
  });
});

describe('exit codes and messages', () => {
  test('the missing attribute is told in XML on stdout, or in words on stderr', async () => {
    const said = 'attrd_updater: Could not query value of evacuate: attribute does not exist';
    for (const result of [
      failed(78, said),
      failed(6, said),
      {
        exitCode: 78,
        stderr: '',
        stdout: `<r><status code="78"><errors><error>${said}</error></errors></status></r>`,
      },
    ]) {
      expect(await answered(result).queryTransient('evacuate')).toEqual([]);
    }
  });

  test('a connection that fails is never taken for "no mark"', async () => {
    const result = failed(102, 'attrd_updater: Could not connect to attrd: No such device or address');
    await expect(answered(result).queryTransient('evacuate')).rejects.toMatchObject({ code: 'noCluster' });
    await expect(answered(result).queryHostMap('fence_compute')).rejects.toMatchObject({ code: 'noCluster' });
  });

  test('any other failure names what was tried, the exit code and the first words of the tool', async () => {
    await expect(
      answered(failed(113, 'crm_attribute: Update was refused\nmore')).updatePermanent(
        'comp0',
        'evacuate',
        'yes',
      ),
    ).rejects.toMatchObject({
      code: 'failed',
      exitCode: 113,
      message:
        'setting permanent attribute evacuate of comp0 failed: crm_attribute ended with 113: crm_attribute: Update was refused',
    });
    await expect(answered(failed(1, '')).queryNodes()).rejects.toMatchObject({
      code: 'failed',
      message: "reading the cluster's nodes failed: cibadmin ended with 1",
    });
  });

  test('success with an answer that is no answer is "malformed"', async () => {
    await expect(answered(done('')).queryTransient('evacuate')).rejects.toMatchObject({ code: 'malformed' });
    await expect(answered(done('yes')).queryNodes()).rejects.toMatchObject({ code: 'malformed' });
  });

  test('no change is made of a host that is not named: the local node is meant', async () => {
    const pacemaker = new FakePacemaker();
    const attributes = plainly(new Attributes(pacemaker.run));
    await attributes.updateTransient('evacuation-comp0', '1/2 done', { private: false });
    await attributes.deleteTransient('evacuation-comp0', { private: false });
    expect(pacemaker.calls).toEqual([
      'attrd_updater -n evacuation-comp0 -U 1/2 done',
      'attrd_updater -n evacuation-comp0 -D',
    ]);
  });
});

test('the host maps of the agent asked for are read from the CIB', async () => {
  const calls: string[] = [];
  const attributes = new Attributes(async (tool, args) => {
    calls.push([tool, ...args].join(' '));
    return done(
      '<primitive id="a" type="fence_compute"><instance_attributes id="i"><nvpair id="x" name="pcmk_host_map" value="comp1:hv-1.example"/></instance_attributes></primitive>',
    );
  });
  expect(Object.fromEntries(await attributes.queryHostMap('fence_compute'))).toEqual({
    comp1: 'hv-1.example',
  });
  expect(calls).toEqual([
    "cibadmin -Q --xpath /cib/configuration/resources//primitive[@type='fence_compute' or @template] | /cib/configuration/resources/template[@type='fence_compute'] | /cib/configuration/rsc_defaults/instance_attributes[nvpair[@name='pcmk_host_map']]",
  ]);
});
