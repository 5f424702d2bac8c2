import { hostname } from 'node:os';
import type { NovaClient } from '@openstack-ts/nova-client';
import {
  type Attributes,
  cleanEnvironment,
  createAttributes,
  createMarkStore,
  type MarkStore,
  type NodeName,
  nodeName,
} from '../../lib/attrd/index.ts';
import type { NodesReading } from '../../lib/cluster/index.ts';
import { missingParameter } from '../../lib/connection/connectionParameters.ts';
import type { Clock, ComeBackOptions, ComeBackOutcome } from '../../lib/evacuation/index.ts';
import type { OcfContext } from '../../lib/ocf/index.ts';
import { connectionValues } from '../shared/connection.ts';
import { systemClock } from '../shared/systemClock.ts';
import { queryNodeName } from './nodeName.ts';
import { findRuntime, type MissingRuntime, type RuntimeSettings } from './runtime/find.ts';
import type { Machine } from './runtime/machine.ts';
import { createMachine } from './runtime/realMachine.ts';
import type { Runtime } from './runtime/types.ts';
import { lookBy, toolTimeoutMs } from './timing.ts';

/** All that NovaCompute touches outside this process. */
export interface World {
  readonly clock: Clock;
  readonly machine: Machine;
  /** The machine's own name, which Nova takes where nova.conf has none (socket.gethostname()). */
  readonly machineName: string;
  readonly attributes: Attributes;
  readonly marks: MarkStore;
  /** The cluster's nodes as this one sees them. Never fails. */
  readNodes(): Promise<NodesReading>;
  /** Logs in to Nova; throws `NovaError`. Null: the parameters do not suffice for that. */
  readonly connect: ((deadline: number) => Promise<NovaClient>) | null;
  /** This node's name in the cluster; throws `AttrdError`. */
  nodeName(): Promise<NodeName>;
  findRuntime(settings: RuntimeSettings): Promise<Runtime | MissingRuntime>;
  comeBack(options: ComeBackOptions): Promise<ComeBackOutcome>;
}

/** The real world, whose commands have ended at `until`, in ms since the epoch. What belongs to Nova is loaded when it is asked for: an idle monitor does not. */
export function createWorld(ctx: OcfContext, until: number = lookBy(ctx)): World {
  const tools = { env: ctx.env, timeoutMs: toolTimeoutMs };
  const machine = createMachine({
    path: (cleanEnvironment(ctx.env)['PATH'] ?? '').split(':'),
    until,
  });
  const values = connectionValues(ctx.parameters);
  const usable = ctx.parameterErrors.length === 0 && missingParameter(values) === null;
  return {
    clock: systemClock,
    machine,
    machineName: hostname(),
    attributes: createAttributes(tools),
    marks: createMarkStore(tools),
    readNodes: async () => (await import('../../lib/cluster/index.ts')).createClusterNodes(tools).read(),
    connect: usable
      ? async (deadline) => {
          const [{ connect }, { toCloudConfig }] = await Promise.all([
            import('@openstack-ts/nova-client'),
            import('../../lib/connection/cloud.ts'),
          ]);
          const config = await toCloudConfig(values, ctx.env);
          return connect(config, { env: ctx.env, deadline, log: (line) => ctx.log.debug(line) });
        }
      : null,
    nodeName: async () => (ctx.onNode === null ? queryNodeName(tools) : nodeName(ctx.onNode)),
    findRuntime: (settings) => findRuntime(settings, machine),
    comeBack: async (options) => (await import('../../lib/evacuation/return/comeBack.ts')).comeBack(options),
  };
}
