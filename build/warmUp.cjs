'use strict';
/**
 * Runs the bundle once, as the binary would, and then keeps V8's code for all that has run so far. Called again with
 * the same cache, it adds what ran this time.
 *
 *     node warmUp.cjs BUNDLE CACHE [ARGUMENT...]      with the agent's name as argv[0]
 */
const fs = require('node:fs');
const { Script } = require('node:vm');

const [bundle, cache, ...args] = process.argv.slice(2);
const script = new Script(fs.readFileSync(bundle, 'latin1'), {
  filename: 'agents.cjs',
  cachedData: fs.existsSync(cache) ? fs.readFileSync(cache) : undefined,
});
process.on('exit', () => fs.writeFileSync(cache, script.createCachedData()));
process.argv = [process.execPath, process.execPath, ...args];
script.runInThisContext()(require, bundle);
