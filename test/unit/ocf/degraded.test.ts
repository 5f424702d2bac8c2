import { describe, expect, it } from 'vitest';
import { understandsDegraded } from '../../../lib/ocf/index.ts';

describe('understandsDegraded', () => {
  it.each([
    ['3.6.1', true], // Pacemaker 2.0.5
    ['3.7.1', true],
    ['3.16.1', true], // 2.1.5
    ['3.20.3', true],
    ['4.0', true],
    ['3.6.0', false],
    ['3.6', false],
    ['3.4.1', false], // 2.0.4
    ['3.0.14', false], // 1.1.18 to 1.1.24
    ['3.0.10', false], // 1.1.13: the executor made 1 of it
    ['', false],
    ['new', false],
    ['3.x.1', false],
  ])('%s: %s', (featureSet, expected) => {
    expect(understandsDegraded(featureSet)).toBe(expected);
  });

  it('does not hope for the best when nobody says', () => {
    expect(understandsDegraded(null)).toBe(false);
  });
});
