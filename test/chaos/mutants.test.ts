import { expect, test } from 'vitest';
import { done } from '../unit/attrd/fakePacemaker.ts';
import { Incident, type Sabotage } from './incident.ts';
import { password } from './site.ts';

/** Agents that break a rule, each in one way: the same incidents that find nothing in the real ones find that. */
const mutants: readonly (readonly [what: string, rule: string, sabotage: Sabotage])[] = [
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
  ['starts nova-compute unasked', 'I3', { startsUnasked: true }],
  [
    'writes no permanent mark',
    'I4',
    {
      site: ({ pacemaker }) => {
        pacemaker.intercept = (line) => (line.startsWith('crm_attribute') ? done('') : null);
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
];

test.each(mutants)(
  'the chaos finds an agent that %s (%s)',
  async (_, rule, sabotage) => {
    for (let seed = 1; seed <= 100; seed += 1) {
      const incident = new Incident(seed, sabotage);
      await incident.run();
      if (incident.broken().has(rule)) return;
    }
    expect.fail(`no incident broke ${rule}`);
  },
  600_000,
);
