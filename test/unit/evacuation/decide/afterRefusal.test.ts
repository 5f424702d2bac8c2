import { NovaError, type NovaErrorCode, type NovaErrorFacts, novaHost } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { type AfterRefusal, afterRefusal } from '../../../../lib/evacuation/decide/afterRefusal.ts';

const next = (
  code: NovaErrorCode,
  message = 'Nova says no',
  facts: NovaErrorFacts = {},
  isAccepted = false,
): AfterRefusal => afterRefusal(new NovaError(code, message, facts), novaHost('comp0'), isAccepted);

describe('what follows from a refusal', () => {
  test.each<[NovaErrorCode, number, string]>([
    ['rateLimited', 1_000, 'rateLimited'],
    ['serverError', 3_000, 'serverError'],
    ['timeout', 3_000, 'timeout'],
    ['connectionLost', 3_000, 'unreachable'],
    ['unreachable', 10_000, 'unreachable'],
    ['tls', 10_000, 'unreachable'],
  ])('%s: a pause of %d ms, as Nova is %s', (code, pauseMs, because) => {
    expect(next(code)).toEqual({ kind: 'pause', pauseMs, because });
  });

  test('Nova may name the pause itself', () => {
    expect(next('rateLimited', 'slow down', { retryAfterMs: 42_000 })).toMatchObject({ pauseMs: 42_000 });
  });

  test('for two minutes at most, and not where an operator wants it at once', () => {
    const error = new NovaError('serverError', 'in maintenance', { retryAfterMs: 7_200_000 });
    expect(afterRefusal(error, novaHost('comp0'), false)).toMatchObject({ pauseMs: 120_000 });
    expect(afterRefusal(error, novaHost('comp0'), false, false)).toMatchObject({ pauseMs: 3_000 });
  });

  test('what is gone is not refused', () => {
    expect(next('notFound')).toEqual({ kind: 'gone' });
  });

  test('credentials that are worth nothing end the pass for the host', () => {
    expect(next('authFailed')).toMatchObject({ kind: 'stop', isUp: false });
  });

  test('a policy is about the user while nothing was accepted, and about the instance once something was', () => {
    const words = "Policy doesn't allow os_compute_api:os-evacuate to be performed. (HTTP 403)";
    expect(next('forbidden', words)).toMatchObject({ kind: 'notAllowed', message: words });
    expect(next('forbidden', words, {}, true)).toMatchObject({ kind: 'refused', final: false });
  });

  test('whatever else is forbidden is about the instance', () => {
    expect(next('forbidden', 'Quota exceeded (HTTP 403)')).toMatchObject({ kind: 'refused', final: false });
  });

  test.each<[NovaErrorCode, string]>([
    ['forbidden', 'Forbidden with instances that have accelerators.'],
    ['conflict', "Operation 'evacuate' not supported for vTPM-enabled instance (x)."],
    ['badRequest', "Operation 'evacuate' not supported for vTPM-enabled instance (x)."],
    ['conflict', 'Feature not supported with instances that have shares.'],
  ])('%s "%s": Nova never evacuates it', (code, message) => {
    expect(next(code, message)).toMatchObject({ kind: 'refused', final: true, forItsTask: false });
  });

  test('a host that was let up again is held down anew before anything else', () => {
    expect(next('badRequest', 'Compute service of comp0 is still in use.')).toMatchObject({
      kind: 'stop',
      isUp: true,
    });
  });

  test.each<[NovaErrorCode, string, boolean]>([
    ['conflict', 'Cannot evacuate instance while it is in vm_state shelved', true],
    ['conflict', 'Cannot evacuate instance while it is in task_state powering-off', false],
    ['badRequest', 'vm_state', false],
  ])('%s "%s" lies in the instance; for good: %s', (code, message, final) => {
    expect(next(code, `${message}.`)).toEqual({
      kind: 'refused',
      message,
      final,
      forItsTask: message.includes('task_state'),
    });
  });
});
