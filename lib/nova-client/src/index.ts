export { type CloudSettings, cloudConfig, loadCloud } from './cloudsYaml.ts';
export { connect } from './connect.ts';
export type { ConnectDeps } from './deps.ts';
export { parseDomain } from './domain.ts';
export { parseInterface } from './endpointInterface.ts';
export * from './errors.ts';
export type { Answer, Exchange, ServiceName, Transport } from './transport.ts';
export * from './types.ts';
