import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NovaClient, NovaError } from '@openstack-ts/nova-client';
import { createClusterState, createMarkStore } from '../../lib/attrd/index.ts';
import { type ConnectionValues, missingParameter, toCloudConfig } from '../../lib/evacuation/index.ts';
import { type FenceContext, FenceError, runPasswordScript } from '../../lib/fencing/index.ts';
import { connectionValues } from './options.ts';
import { loginDeadline, requestTimeoutMs, toolTimeoutMs } from './timing.ts';
import type { World } from './world.ts';

/** Stands for the password that the operator's script has not told us yet. */
const PENDING_PASSWORD = 'told by the password script';

/** The real world: Pacemaker's tools, Keystone and Nova, the clock. */
export function createWorld(ctx: FenceContext, stderr: { write(text: string): unknown }): World {
  let password: Promise<string> | null = null;
  const values = async (): Promise<ConnectionValues> => {
    const given = connectionValues(ctx.options);
    const script = ctx.options.string('passwd_script');
    if (script === '') return given;
    password ??= runPasswordScript(script, ctx.env, stderr);
    try {
      return withPassword(given, await password);
    } catch (cause) {
      throw cause instanceof FenceError ? new NovaError('authFailed', cause.message, { cause }) : cause;
    }
  };
  return {
    marks: createMarkStore({ env: ctx.env, timeoutMs: toolTimeoutMs(ctx) }),
    cluster: createClusterState({ env: ctx.env, timeoutMs: toolTimeoutMs(ctx) }),
    connect: async (deadline): Promise<NovaClient> =>
      connect(await toCloudConfig(await values(), ctx.env), {
        env: ctx.env,
        deadline: loginDeadline(ctx, Date.now(), deadline),
        requestTimeoutMs: requestTimeoutMs(ctx),
        log: (line) => ctx.log.debug(line),
      }),
    now: Date.now,
    sleep: (ms) => sleep(ms),
  };
}

/**
 * Checks the connection's options without using them: nothing is sent, and the password script is not run. Throws
 * {@link FenceError}. `validate-all` has always passed without a login (it is asked about options that are not all
 * there yet), so there what is missing is a warning.
 */
export async function checkConnection(ctx: FenceContext): Promise<void> {
  const given = connectionValues(ctx.options);
  const values = ctx.options.string('passwd_script') === '' ? given : withPassword(given, PENDING_PASSWORD);
  const missing = missingParameter(values);
  if (missing !== null) {
    const sentence = `${missing} is not set, and the cloud cannot be reached without it`;
    if (ctx.action !== 'validate-all') throw new FenceError(`Failed: ${sentence}`, { usage: true });
    ctx.log.warn(`${sentence}.`);
    return;
  }
  try {
    await toCloudConfig(values, ctx.env);
  } catch (error) {
    if (!(error instanceof NovaError)) throw error;
    throw new FenceError(`Failed: ${error.message}`, { usage: true, cause: error });
  }
}

function withPassword(values: ConnectionValues, password: string): ConnectionValues {
  return { ...values, strings: { ...values.strings, password } };
}
