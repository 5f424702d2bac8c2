import { expect, test } from 'vitest';
import { parseAttrdXml } from '../../../lib/attrd/parseAttrd.ts';
import { knowingAgain } from '../../../lib/attrd/sameAnswer.ts';

const counted = () => {
  const asked: string[] = [];
  const parse = knowingAgain(async (printed) => {
    asked.push(printed.slice(0, 10));
    if (printed === 'nonsense') throw new Error('not understood');
    return { printed };
  });
  return { asked, parse };
};

test('what was printed before is not parsed again, and what is new is', async () => {
  const { asked, parse } = counted();
  expect(await parse('one')).toBe(await parse('one'));
  expect(await parse('two')).toEqual({ printed: 'two' });
  expect(await parse('one')).toEqual({ printed: 'one' });
  expect(asked).toEqual(['one', 'two']);
});

test('what was not understood is not remembered', async () => {
  const { asked, parse } = counted();
  await expect(parse('nonsense')).rejects.toThrow('not understood');
  await expect(parse('nonsense')).rejects.toThrow('not understood');
  expect(asked).toEqual(['nonsense', 'nonsense']);
});

test('few answers are kept, and none that is very long', async () => {
  const { asked, parse } = counted();
  for (const printed of ['1', '2', '3', '4', '5', '1', '5']) await parse(printed);
  expect(asked).toEqual(['1', '2', '3', '4', '5', '1']);
  const long = 'x'.repeat(300_000);
  await parse(long);
  await parse(long);
  expect(asked.slice(-2)).toEqual(['x'.repeat(10), 'x'.repeat(10)]);
});

test('a value that changes is read as it is now', async () => {
  const answer = (value: string) =>
    `<pacemaker-result><attribute name="evacuate" value="${value}" host="comp0"/></pacemaker-result>`;
  const value = async (text: string) => (await parseAttrdXml(text))[0]?.value;
  expect([await value(answer('yes')), await value(answer('no')), await value(answer('yes'))]).toEqual([
    'yes',
    'no',
    'yes',
  ]);
});
