import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NovaClient, NovaError } from '@openstack-ts/nova-client';
import { createMarkStore } from '../../lib/attrd/index.ts';
import { createClusterNodes, createClusterState } from '../../lib/cluster/index.ts';
import {
  type ConnectionValues,
  checkConnection as checkCloud,
  missingParameter,
  toCloudConfig,
} from '../../lib/connection/index.ts';
import { type FenceContext, FenceError, runPasswordScript } from '../../lib/fencing/index.ts';
import { processTime } from '../../lib/system/processTime.ts';
import { connectionValues } from './options.ts';
import {
  loginDeadline,
  nodesTimeoutMs,
  powerDeadline,
  requestTimeoutMs,
  toolsDeadline,
  toolTimeoutMs,
} from './timing.ts';
import type { World } from './world.ts';

/** Stands for the password that the operator's script has not told us yet. */
const PENDING_PASSWORD = 'told by the password script';

/** For how long it is asked what the cluster has configured, in ms. */
const RESOURCES_PATIENCE_MS = 8_000;

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
  const clock = { now: processTime, sleep: (ms: number): Promise<void> => sleep(ms) };
  const until = powerDeadline(ctx, processTime());
  // What is asked again the actions ask again themselves; here a tool's time ends with theirs.
  const once = { clock, forMs: 0, until: toolsDeadline(ctx, processTime()) };
  const tools = { env: ctx.env, timeoutMs: toolTimeoutMs(ctx), patience: once };
  const patience = { clock, forMs: RESOURCES_PATIENCE_MS, until };
  // Asked more than once within the time that Pacemaker grants.
  const nodes = createClusterNodes({ env: ctx.env, timeoutMs: nodesTimeoutMs(ctx), patience: once });
  return {
    marks: createMarkStore(tools),
    cluster: {
      nodes: () => nodes.read(),
      primitives: () => createClusterState({ ...tools, patience }).primitives(),
    },
    connect: async (deadline): Promise<NovaClient> =>
      connect(await toCloudConfig(await values(), ctx.env), {
        env: ctx.env,
        deadline: loginDeadline(ctx, processTime(), deadline),
        requestTimeoutMs: requestTimeoutMs(ctx),
        log: (line) => ctx.log.debug(line),
      }),
    ...clock,
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
  // A certificate that is of no use keeps Nova from being told, and must not keep the mark from being written.
  const found = await checkCloud(values, ctx.env, ctx.action === 'validate-all' ? 'tried' : 'there');
  if (found !== null) throw new FenceError(`Failed: ${found.sentence}`, { usage: true });
}

function withPassword(values: ConnectionValues, password: string): ConnectionValues {
  return { ...values, strings: { ...values.strings, password } };
}
