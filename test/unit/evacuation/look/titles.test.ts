import { expect, test } from 'vitest';
import { titleOf } from '../../../../lib/evacuation/look/titles.ts';
import { plainly } from '../../names.ts';

test('an instance is named with its id, and by that alone where Nova did not tell the name', () => {
  expect(plainly(titleOf)({ name: 'vm', id: 'i' })).toBe('vm (i)');
  expect(plainly(titleOf)({ name: 'i', id: 'i' })).toBe('i');
});
