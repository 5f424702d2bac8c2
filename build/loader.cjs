'use strict';
/**
 * What Node starts in the single executable: compiles the bundle with its code cache, and runs it. Node can keep a
 * code cache itself, but only one without the functions that run later, which are most of an agent.
 */
const { getRawAsset } = require('node:sea');
const { Script } = require('node:vm');

const source = Buffer.from(getRawAsset('agents.cjs')).latin1Slice();
const cache = Buffer.from(getRawAsset('agents.cache'));
// A cache that V8 does not accept is ignored, and costs time only.
const script = new Script(source, {
  filename: 'agents.cjs',
  cachedData: cache.length > 0 ? cache : undefined,
});
script.runInThisContext()(require, __filename);
