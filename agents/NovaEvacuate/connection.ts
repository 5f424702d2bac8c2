import type { ConnectionParameterName, ConnectionValues } from '../../lib/evacuation/connectionParameters.ts';
import { connectionParameters } from '../../lib/evacuation/connectionParameters.ts';
import type { OcfParameters } from '../../lib/ocf/index.ts';

/** The connection parameters that the operator gave; defaults are left to what reads them. */
export function connectionValues(parameters: OcfParameters): ConnectionValues {
  const strings: Partial<Record<ConnectionParameterName, string>> = {};
  for (const { name, type } of connectionParameters) {
    if (type === 'string' && parameters.given(name)) strings[name] = parameters.string(name);
  }
  return { strings, insecure: parameters.given('insecure') ? parameters.boolean('insecure') : null };
}
