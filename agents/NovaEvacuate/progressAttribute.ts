import { AttrdError, createAttributes } from '../../lib/attrd/index.ts';
import type { OcfContext } from '../../lib/ocf/index.ts';

const toolTimeoutMs = 5_000;

/**
 * The public node attribute that shows where a host stands, as `crm_mon -A` prints it. It belongs to the node that
 * evacuates, not to the one that is evacuated: crm_mon shows attributes of online nodes only.
 */
function attributeName(host: string): string {
  return `evacuation-${host}`;
}

/** Showing progress never holds up an evacuation: a failure is a debug line. */
export async function showProgress(ctx: OcfContext, host: string, text: string): Promise<void> {
  await attempt(ctx, () =>
    createAttributes({ env: ctx.env, timeoutMs: toolTimeoutMs }).updateTransient(attributeName(host), text, {
      private: false,
    }),
  );
}

export async function clearProgress(ctx: OcfContext, host: string): Promise<void> {
  await attempt(ctx, () =>
    createAttributes({ env: ctx.env, timeoutMs: toolTimeoutMs }).deleteTransient(attributeName(host), {
      private: false,
    }),
  );
}

/** A NovaCompute that was killed may have left shown, on its node, what a release waited for that is over now. */
export async function clearReturn(ctx: OcfContext, node: string): Promise<void> {
  const { releaseAttribute, returningAttribute } = await import('../../lib/evacuation/index.ts');
  const attributes = createAttributes({ env: ctx.env, timeoutMs: toolTimeoutMs });
  for (const name of [releaseAttribute, returningAttribute]) {
    await attempt(ctx, async () => {
      const values = await attributes.queryTransient(name);
      if (!values.some(({ host, value }) => host === node && value !== '')) return;
      await attributes.deleteTransient(name, { host: node, private: name === returningAttribute });
    });
  }
}

async function attempt(ctx: OcfContext, change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (!(error instanceof AttrdError)) throw error;
    ctx.log.debug(`Progress could not be shown: ${error.message}`);
  }
}
