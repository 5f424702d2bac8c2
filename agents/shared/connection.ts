import type { ConnectionParameterName, ConnectionValues } from '../../lib/connection/connectionParameters.ts';
import { connectionParameters } from '../../lib/connection/connectionParameters.ts';
import type { OcfParameter, OcfParameters } from '../../lib/ocf/index.ts';

/** The connection to the cloud, as every resource agent declares it. */
export const connectionDeclarations: readonly OcfParameter[] = connectionParameters.map(
  ({ name, type, shortdesc, longdesc, secret, ocfDefault }): OcfParameter => ({
    name,
    type,
    shortdesc,
    longdesc,
    ...(secret === true ? { secret } : {}),
    ...(ocfDefault === undefined ? {} : { default: ocfDefault }),
    ...(name === 'endpoint_type' ? { oneOf: ['internalURL', 'publicURL', 'adminURL'] } : {}),
  }),
);

/** The connection parameters that the operator gave; defaults are left to what reads them. */
export function connectionValues(parameters: OcfParameters): ConnectionValues {
  const strings: Partial<Record<ConnectionParameterName, string>> = {};
  for (const { name, type } of connectionParameters) {
    if (type === 'string' && parameters.given(name)) strings[name] = parameters.string(name);
  }
  return { strings, insecure: parameters.given('insecure') ? parameters.boolean('insecure') : null };
}
