import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NovaHost, novaHost, type ServerId, serverId } from '@openstack-ts/nova-client';
import { describe, expect, it } from 'vitest';
import { type MarkName, markName, type NodeName, nodeName } from '../../../lib/attrd/index.ts';

describe('names of different kinds', () => {
  it('do not pass for one another, nor another text for them', () => {
    const host = (name: NovaHost): string => name;
    const server = (id: ServerId): string => id;
    const node = (name: NodeName): string => name;
    const mark = (name: MarkName): string => name;
    const names = [
      // @ts-expect-error A node's name is no host's.
      host(nodeName('comp0')),
      // @ts-expect-error Nor is a mark's.
      host(markName('comp0')),
      // @ts-expect-error Nor is any text.
      host('comp0'),
      // @ts-expect-error A host is no node.
      node(novaHost('comp0')),
      // @ts-expect-error A mark's name may be no node's.
      node(markName('comp0')),
      // @ts-expect-error A node is no mark.
      mark(nodeName('comp0')),
      // @ts-expect-error A host's name bears a mark in old clusters only.
      mark(novaHost('comp0')),
    ];
    expect(new Set(names)).toEqual(new Set(['comp0']));
    // @ts-expect-error A host is no instance.
    expect(server(novaHost('comp0'))).not.toBe(server(serverId('comp1')));
  });

  it('are made in one place for each', () => {
    const root = join(import.meta.dirname, '../../..');
    const cast = /\bas (NovaHost|ServerId|NodeName|MarkName|HostKey)\b/;
    const places = ['lib', 'agents', 'fence'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .map((name) => `${folder}/${name}`)
        .filter((file) => file.endsWith('.ts') && cast.test(readFileSync(join(root, file), 'utf8'))),
    );
    expect(places.sort()).toEqual([
      'lib/attrd/names.ts',
      'lib/evacuation/incident/names.ts',
      'lib/nova-client/src/names.ts',
    ]);
  });
});
