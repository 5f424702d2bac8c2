/** Set by the build (build/bundle.ts); not there when the sources run as they are, as in tests. */
declare const AGENTS_VERSION: string | undefined;

/** The version of the agents, such as `0.1.0` or `0.1.0+g1a2b3c4d5e.dirty`; `development` outside the binary. */
export const version: string = typeof AGENTS_VERSION === 'string' ? AGENTS_VERSION : 'development';
