import { missingParameter } from '../../lib/evacuation/connectionParameters.ts';
import { type OcfContext, OcfExit } from '../../lib/ocf/index.ts';
import { connectionValues } from './connection.ts';

/** What declarations cannot say: which parameters make a log-in together, and that the files are there. */
export async function validateConnection(ctx: OcfContext): Promise<OcfExit> {
  const values = connectionValues(ctx.parameters);
  const missing = missingParameter(values);
  if (missing !== null) {
    ctx.exitReason(`${missing} not configured`);
    return OcfExit.configured;
  }
  const [{ toCloudConfig }, { NovaError }] = await Promise.all([
    import('../../lib/evacuation/cloud.ts'),
    import('@openstack-ts/nova-client'),
  ]);
  try {
    await toCloudConfig(values, ctx.env);
    return OcfExit.success;
  } catch (error) {
    if (!(error instanceof NovaError)) throw error;
    ctx.exitReason(error.message);
    // A file may be there on another node; a wrong value is wrong everywhere.
    return / cannot be read$/.test(error.message) ? OcfExit.installed : OcfExit.configured;
  }
}
