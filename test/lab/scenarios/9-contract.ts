import { run } from '../driver/node.ts';
import type { Scenario } from '../driver/scenario.ts';
import { ADMIN_PASSWORD, DEMO_PASSWORD, KEYSTONE_URL, LAB, ROOT } from '../driver/settings.ts';

const scenario: Scenario = {
  title: 'the contract suite, which holds the simulated cloud to Nova, against this real Nova',
  seconds: 700,
  // It kills nova-compute alone, not the machine: the domains go on, as nobody fences.
  machinesDie: false,
  async run(lab) {
    const environment = [
      `CONTRACT_AUTH_URL=${KEYSTONE_URL}`,
      `CONTRACT_PASSWORD=${ADMIN_PASSWORD}`,
      `CONTRACT_MEMBER_PASSWORD=${DEMO_PASSWORD}`,
      `CONTRACT_CONTROL=${LAB}/control`,
    ];
    // With the Node that npm installs: vitest cannot print its failures with an older one.
    const vitest = [
      `${ROOT}/node_modules/.bin/node`,
      `${ROOT}/node_modules/vitest/vitest.mjs`,
      'run',
      '--root',
      ROOT,
    ];
    const config = ['--config', `${ROOT}/vitest.contract.config.ts`, '--reporter=verbose', '--no-color'];
    const { code, stdout, stderr } = await run('env', [...environment, ...vitest, ...config], 690);
    const lines = `${stdout}\n${stderr}`.split('\n').map((line) => line.trimEnd());
    const tests = lines.filter((line) => /^ *[✓×↓]/.test(line));
    for (const line of tests.filter((t) => !/^ *✓/.test(t))) lab.say(line.trim());
    for (const line of lines.filter((l) => /AssertionError|Error:/.test(l))) lab.say(line.trim());
    lab.check(code === 0, `the real Nova keeps the contract (${tests.length} tests)`);
  },
};
export default scenario;
