import { NovaError } from '@openstack-ts/nova-client';
import { describe, expect, it } from 'vitest';
import { AttrdError } from '../../../lib/attrd/index.ts';
import { rethrowUnless } from '../../../lib/rethrow.ts';

describe('an error that its catcher does not know', () => {
  it.each([new TypeError('a mistake'), new Error('plain'), 'a text', null, undefined])(
    '%s goes on',
    (error) => {
      let thrown: unknown = 'nothing';
      try {
        rethrowUnless(error, NovaError, AttrdError);
      } catch (caught) {
        thrown = caught;
      }
      expect(thrown).toBe(error);
    },
  );

  it('one that it knows stays', () => {
    const errors: unknown[] = [new NovaError('timeout', 'late'), new AttrdError('missing', 'no tool')];
    for (const error of errors) {
      rethrowUnless(error, NovaError, AttrdError);
      expect(['timeout', 'missing']).toContain(error.code);
    }
  });
});
