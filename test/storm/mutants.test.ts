import { expect, test } from 'vitest';
import { password } from '../simulators/world/site.ts';
import { Incident } from './incident.ts';
import type { Wish } from './kinds/index.ts';
import type { Sabotage } from './scene.ts';

/** An agent that says something else instead. */
const rewords = (from: RegExp, to: string): Sabotage => ({
  site: (site) => {
    const hear = site.hear.bind(site);
    site.hear = (sentence) => hear(sentence.replace(from, to));
  },
});
const allDone = 'Completed $1: 0 of 0 instances evacuated.';

/** Agents that break a rule, each in one way: the same incidents that find nothing in the real ones find that. */
type Mutant = readonly [what: string, rule: string, sabotage: Sabotage, wish?: Wish];
const mutants: readonly Mutant[] = [
  [
    'evacuates whom the operator excludes',
    'which',
    { configuration: ({ policy }) => ({ policy: { ...policy, exclude: '' } }) },
  ],
  [
    'recovers states that are to be left',
    'which',
    { configuration: ({ policy }) => ({ policy: { ...policy, other_states: 'recover' } }) },
  ],
  ['gives disks up unasked', 'I6', { configuration: () => ({ noSharedStorage: true }) }],
  [
    'heeds no limit',
    'limit',
    {
      configuration: () => ({
        limits: { maxFailedPercent: 100, maxFailedPerAggregate: 0, maxHostsAtOnce: 0 },
      }),
    },
  ],
  ['heeds no pause', 'limit', { configuration: () => ({ isDeaf: true }) }],
  ['takes the claims of others for its own', 'I5', { controllerName: 'ctl1' }],
  // Where evacuations take longer than a machine.
  [
    'starts nova-compute unasked',
    'I3',
    { startsUnasked: true },
    { only: ['conductor-down', 'spawn-refused'] },
  ],
  [
    'keeps the mark only where a purge takes it',
    'I4',
    {
      site: ({ pacemaker }) => {
        const purge = pacemaker.purge.bind(pacemaker);
        pacemaker.purge = (host) => {
          purge(host);
          pacemaker.nodes.get(host)?.clear();
        };
      },
    },
  ],
  [
    'says its password',
    'I8',
    {
      site: (site) => {
        const hear = site.hear.bind(site);
        site.hear = (sentence) => hear(sentence.replace('comp0', password));
      },
    },
  ],
  ['counts one too many', 'I11', rewords(/^(evacuation-\S+: )\d+/, '$199'), { with: ['counts-judged'] }],
  [
    'says that all are elsewhere when some are not',
    'I11',
    rewords(/^Initiating (evacuation of \S+) .*/, allDone),
  ],
  ['names the wrong host', 'I11', rewords(/(it is on comp)\d/, '$10')],
  ['names the wrong instance', 'I11', rewords(/vm1- \(/, 'vm2- (')],
  [
    'shows nothing of what waits',
    'I6',
    {
      patienceMs: 300_000,
      site: ({ shown }) => {
        shown.set = () => shown;
      },
    },
    { only: ['never-finishes'] },
  ],
];

for (const [what, rule, sabotage, wish] of mutants) {
  test(`the storm finds an agent that ${what} (${rule})`, async () => {
    for (let seed = 1; seed <= 100; seed += 1) {
      const incident = new Incident(seed, sabotage, wish);
      await incident.run();
      if (incident.broken().has(rule)) return;
    }
    expect.fail(`no incident broke ${rule}`);
  }, 600_000);
}
