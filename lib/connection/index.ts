/** How operators say where their cloud is and who asks it: parameters in, the configuration of a client out. */

export { checkConnection, toCloudConfig } from './cloud.ts';
export {
  type ConnectionParameter,
  type ConnectionParameterName,
  type ConnectionValues,
  connectionParameters,
  missingParameter,
} from './connectionParameters.ts';
