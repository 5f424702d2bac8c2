import { type FenceContext, FenceError } from '../../lib/fencing/index.ts';

/** What no host's and no cluster node's name holds, and what would be taken for an option of Pacemaker's tools. */
const UNUSABLE = /^-|[\s,;=<>&"'`\\/\p{Cc}]/u;
const LONGEST = 255;

/**
 * Refuses plugs and node names that can name no machine, before a mark is written for them: the attribute daemon takes
 * any name and never forgets it. Throws {@link FenceError}. `status` alone may be asked for several plugs at once.
 */
export function checkNames(ctx: FenceContext): void {
  const plug = ctx.action === 'status' ? [] : [ctx.plug];
  for (const name of [...plug, ...(ctx.nodename === null ? [] : [ctx.nodename])]) {
    if (name.length <= LONGEST && !UNUSABLE.test(name)) continue;
    const shown = name.slice(0, 80).replace(/\p{Cc}/gu, '?');
    throw new FenceError(`Failed: "${shown}" is no name of a machine`, { usage: true });
  }
}
