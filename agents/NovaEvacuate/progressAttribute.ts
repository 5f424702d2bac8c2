import { AttrdError, createAttributes, type MarkName, type NodeName } from '../../lib/attrd/index.ts';
import type { OcfContext } from '../../lib/ocf/index.ts';
import { rethrowUnless } from '../../lib/rethrow.ts';

const toolTimeoutMs = 5_000;

/**
 * The public node attribute that shows where a host stands, as `crm_mon -A` prints it. It belongs to the node that
 * evacuates, not to the one that is evacuated: crm_mon shows attributes of online nodes only.
 */
function attributeName(name: MarkName): string {
  return `evacuation-${name}`;
}

/** Showing progress never holds up an evacuation: a failure is a debug line. */
export async function showProgress(ctx: OcfContext, name: MarkName, text: string): Promise<void> {
  await attempt(ctx, () =>
    createAttributes({ env: ctx.env, timeoutMs: toolTimeoutMs }).updateTransient(attributeName(name), text, {
      private: false,
    }),
  );
}

/** Whether it is taken down. */
export function clearProgress(ctx: OcfContext, name: MarkName): Promise<boolean> {
  return attempt(ctx, () =>
    createAttributes({ env: ctx.env, timeoutMs: toolTimeoutMs }).deleteTransient(attributeName(name), {
      private: false,
    }),
  );
}

/**
 * A NovaCompute that was killed may have left shown, on its node, what a release waited for that is over now. Whether it is taken
 * down.
 */
export async function clearReturn(ctx: OcfContext, node: NodeName): Promise<boolean> {
  const { takeDownReturn } = await import('../../lib/evacuation/index.ts');
  const attributes = createAttributes({ env: ctx.env, timeoutMs: toolTimeoutMs });
  return attempt(ctx, () => takeDownReturn(attributes, node));
}

async function attempt(ctx: OcfContext, change: () => Promise<void>): Promise<boolean> {
  try {
    await change();
    return true;
  } catch (error) {
    rethrowUnless(error, AttrdError);
    ctx.log.debug(`Progress could not be shown: ${error.message}`);
    return false;
  }
}
