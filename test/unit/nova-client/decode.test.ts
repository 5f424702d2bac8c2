import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Field, parseTime } from '../../../lib/nova-client/src/decode.ts';

describe('a field', () => {
  const body = new Field({
    servers: [{ id: 'a' }, { id: 'b', 'OS-EXT-SRV-ATTR:host': 7, meta: { a: '1', b: 2 } }],
    none: null,
    flag: 'true',
  });

  it('names itself when it has the wrong type', () => {
    expect(() =>
      body.get('servers').list((server) => server.get('OS-EXT-SRV-ATTR:host').stringOrNull()),
    ).toThrow('servers[1].OS-EXT-SRV-ATTR:host is a number, a string was expected');
    expect(() => body.get('flag').boolean()).toThrow('flag is the string "true", a boolean was expected');
    expect(() => body.get('servers').string()).toThrow('servers is a list, a string was expected');
    expect(() => body.get('nowhere').get('deeper')).toThrow('nowhere is missing, an object was expected');
    expect(() => new Field([]).get('servers')).toThrow('the body is a list, an object was expected');
    expect(() => body.get('none').list((item) => item)).toThrow('none is null, a list was expected');
    expect(() => body.get('servers').list((server) => server.get('meta').strings())).toThrow(
      'servers[0].meta is missing, an object was expected',
    );
  });

  it('takes null and absent as nothing where nothing is allowed', () => {
    expect(body.get('none').stringOrNull()).toBeNull();
    expect(body.get('nowhere').numberOrNull()).toBeNull();
  });

  it('does not find what every object inherits', () => {
    expect(new Field({}).get('constructor').isNothing).toBe(true);
    expect(new Field({}).has('toString')).toBe(false);
  });

  it('never throws anything but its own error, whatever the body', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          new Field(value).get('servers').list((server) => [server.get('id').id(), server.get('t').time()]);
        } catch (error) {
          expect(error).toMatchObject({ name: 'WrongShape' });
        }
      }),
    );
  });
});

describe('times', () => {
  it.each([
    ['2026-11-21T01:02:03Z', Date.UTC(2026, 10, 21, 1, 2, 3)],
    ['2026-11-21T01:02:03.000000', Date.UTC(2026, 10, 21, 1, 2, 3)],
    ['2026-11-21T01:02:03.123456Z', Date.UTC(2026, 10, 21, 1, 2, 3, 123)],
    ['2026-11-21 01:02:03', Date.UTC(2026, 10, 21, 1, 2, 3)],
    ['2026-11-21T01:02:03+01:00', Date.UTC(2026, 10, 21, 0, 2, 3)],
  ])('%s', (text, ms) => {
    expect(parseTime(text)).toBe(ms);
  });

  it.each(['', 'now', '2026-11-21', '2026-13-41T01:02:03Z', '1795228168'])('not %j', (text) => {
    expect(parseTime(text)).toBeNull();
  });

  it('without a zone is UTC on a machine that lives elsewhere', () => {
    vi.stubEnv('TZ', 'America/New_York');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(new Date(2026, 10, 21).getTimezoneOffset()).toBe(300);
    expect(parseTime('2026-11-21T01:02:03.000000')).toBe(Date.UTC(2026, 10, 21, 1, 2, 3));
  });

  it('reads back every time that Nova can write, without a zone as UTC', () => {
    const range = { min: new Date('1970-01-01T00:00:00Z'), max: new Date('2100-01-01T00:00:00Z') };
    fc.assert(
      fc.property(fc.date({ ...range, noInvalidDate: true }), (date) => {
        expect(parseTime(date.toISOString().replace('Z', '000'))).toBe(date.getTime());
      }),
    );
  });
});
