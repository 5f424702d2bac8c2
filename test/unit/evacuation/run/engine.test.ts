import { describe, onTestFailed, test } from 'vitest';
import { checkEnd } from '../scenarios/engine/check.ts';
import { play } from '../scenarios/engine/play.ts';
import { readScenarios } from '../scenarios/engine/read.ts';
import { build } from '../scenarios/engine/world.ts';

describe.each(readScenarios())('$file', ({ scenarios }) => {
  test.each(scenarios)('$title', async ({ given, when, outcome }) => {
    const scene = build(given, outcome);
    // What the agent said tells most about what went wrong.
    onTestFailed(() => {
      process.stderr.write(`${scene.log.join('\n')}\n`);
    });
    checkEnd(await play(scene, when), outcome);
  });
});
