import { expect, test } from 'vitest';
import { Life } from '../../simulators/world/life.ts';
import { questionOf } from '../../simulators/world/questions.ts';

test('each request of a life belongs to a question of the client, or is one for a token or for versions', async () => {
  const life = new Life();
  const { cloud, time } = life.site;
  life.addServers({ name: 'vm', count: 2 });
  life.addServers({ name: 'off', state: 'error', image: null });
  await life.fence('comp0');
  await life.passes(5);
  life.site.boot('comp0');
  await time.until(life.comeBack('comp0').outcome);
  const methods = new Set<string>();
  const others = new Set<string>();
  for (const entry of cloud.requests.entries) {
    const question = questionOf(cloud, entry);
    if (question === null) others.add(`${entry.method} ${entry.path}`);
    else methods.add(question.method);
  }
  expect([...others].sort()).toEqual(['GET /v2.1/', 'POST /v3/auth/tokens']);
  expect([...methods]).toEqual(
    expect.arrayContaining([
      ...['listComputeServices', 'listServers', 'listEvacuations', 'listAllocations', 'listCapacity'],
      ...['setForcedDown', 'disableService', 'enableService', 'evacuate', 'listActions', 'listFlavors'],
    ]),
  );
});

test.each([
  ['GET', '/v2.1/servers/detail?host=comp0&all_tenants=1', '', 'listServers comp0'],
  ['GET', '/v2.1/servers/1', '', 'getServer 1'],
  ['GET', '/v2.1/servers/1/os-instance-actions/req-1', '', 'listActionEvents 1'],
  ['POST', '/v2.1/servers/1/action', '{"os-stop":null}', 'stopServer 1'],
  ['PUT', '/v2.1/os-services/force-down', '{"host":"comp0","forced_down":true}', 'setForcedDown comp0'],
  ['PUT', '/v2.1/os-services/enable', '{"host":"comp0"}', 'enableService comp0'],
  ['PUT', '/v2.1/os-services/disable-log-reason', '{"host":"comp0"}', 'disableService comp0'],
])('%s %s', (method, path, body, expected) => {
  const question = questionOf(new Life().site.cloud, { service: 'nova', method, path, body });
  expect(`${question?.method} ${question?.about}`).toBe(expected);
});
