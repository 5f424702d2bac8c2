import { missingParameter } from '../../lib/connection/connectionParameters.ts';
import { type OcfContext, OcfExit } from '../../lib/ocf/index.ts';
import { connectionValues } from './connection.ts';

/** What declarations cannot say: which parameters make a log-in together, and that what the files hold is of use. */
export async function validateConnection(ctx: OcfContext): Promise<OcfExit> {
  const values = connectionValues(ctx.parameters);
  const missing = missingParameter(values);
  if (missing !== null) {
    ctx.exitReason(`${missing} not configured`);
    return OcfExit.configured;
  }
  const { checkConnection } = await import('../../lib/connection/cloud.ts');
  const found = await checkConnection(values, ctx.env);
  if (found === null) return OcfExit.success;
  ctx.exitReason(found.sentence);
  // A file may be there on another node; what is wrong is wrong everywhere.
  return found.kind === 'missing' ? OcfExit.installed : OcfExit.configured;
}
