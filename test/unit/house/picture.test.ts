import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withPicture } from '../../../build/rooms.ts';

const root = resolve(import.meta.dirname, '../../..');

describe('the picture of the rooms', () => {
  const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');

  it('is what the imports are now; npm run docs draws it anew', () => {
    expect(withPicture(page, root)).toBe(page);
  });

  it('shows the rooms of the domain one above the other', () => {
    const rooms = ['run', 'return', 'act', 'tell', 'decide', 'judge', 'look', 'incident'];
    const inside = [...page.matchAll(/^ {2}lib_evacuation_(\w+) --> lib_evacuation_(\w+)$/gm)];
    expect(inside.length).toBeGreaterThanOrEqual(rooms.length - 1);
    const upwards = inside.filter(([, from = '', to = '']) => rooms.indexOf(from) >= rooms.indexOf(to));
    expect(upwards).toEqual([]);
  });
});
