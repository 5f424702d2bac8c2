import { describe, expect, test } from 'vitest';
import { lastWords, withoutSecrets } from '../../../agents/NovaCompute/lastWords.ts';

const writing = (...lines: string[]) => ({ lastLines: async () => lines });

describe('the last words of nova-compute', () => {
  test('the newest line first, three at most, empty ones left out', async () => {
    expect(await lastWords(writing('a', 'b', '', 'c', '   ', 'd', ''))).toBe(
      'd; before that: c; before that: b',
    );
  });

  test('long lines are cut', async () => {
    const words = await lastWords(writing('x'.repeat(5_000)));
    expect(words).toBe(`${'x'.repeat(160)}…`);
  });

  test('none: nothing, and a log that cannot be read is none', async () => {
    expect(await lastWords(writing())).toBe('');
    const broken = {
      lastLines: async () => {
        throw new Error('no such container');
      },
    };
    expect(await lastWords(broken)).toBe('');
  });

  test('a secret that a cut would split is gone before the cut', async () => {
    const words = await lastWords(writing(`${'x'.repeat(140)} password=${'s3cr3t'.repeat(20)}`));
    expect(words).not.toContain('s3cr3t');
  });
});

describe('what may be a secret', () => {
  test.each([
    'transport_url = rabbit://nova:s3cr3t@ctl0:5672/',
    'transport_url=rabbit://nova:s3cr3t@ctl0,nova:s3cr3t@ctl1/',
    'connecting to rabbit://nova:s3cr3t@ctl0:5672/ failed',
    'mysql+pymysql://nova:s3cr3t@db/nova?charset=utf8',
    "{'password': 's3cr3t', 'user': 'nova'}",
    '"auth_token":"s3cr3t"',
    'neutron.password = s3cr3t',
    'metadata_proxy_shared_secret: s3cr3t',
    'X-Auth-Token: s3cr3t',
    'placement.application_credential_secret=s3cr3t',
    'password="s3cr3t with blanks s3cr3t"',
    'connection=mysql://nova:s3cr3t@db/nova',
    'PASSWORD=s3cr3t',
  ])('%s', (line) => {
    const shown = withoutSecrets(line);
    expect(shown).not.toContain('s3cr3t');
    expect(shown).toContain('***');
  });

  test('the rest of the line stays', () => {
    expect(withoutSecrets('ERROR [-] password=x of no use: AMQP server on ctl0:5672 is unreachable')).toBe(
      'ERROR [-] password=*** of no use: AMQP server on ctl0:5672 is unreachable',
    );
    expect(withoutSecrets('see https://docs.openstack.org/nova')).toBe('see https://docs.openstack.org/nova');
  });
});
