import type { Scene } from './scene.ts';

/** What is there before anything fails. */
export function furnish(scene: Scene): void {
  const { site, draw } = scene;
  const { world } = site.cloud;
  const owner = { userId: 'the-owner', projectId: 'admin', requestId: 'req-owner' };
  const grouped = draw.chance(0.3);
  const add = (id: number, name: string, node: string, vmState: string) => {
    const metadata: Record<string, string> = {};
    if (draw.chance(0.05)) metadata['evacuable'] = 'false';
    if (grouped && draw.chance(0.5)) metadata['evacuation_group'] = draw.one(['a-db', 'b-app', 'c-web']);
    else if (draw.chance(0.2)) metadata['tier'] = 'gold';
    const server = world.addServer({
      id: `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`,
      name,
      host: site.hostName(node),
      vmState,
      metadata,
      locked: draw.chance(0.1),
      ...(draw.chance(0.3) ? { imageId: null } : {}),
    });
    scene.bornAs.set(server.id, vmState);
    world.recordAction(server, 'create', owner);
    if (vmState === 'stopped') {
      world.recordAction(server, 'stop', owner);
      scene.off.add(server.id);
    }
  };
  let id = 0;
  for (const node of site.nodes) {
    const count = node === 'comp0' ? 1 + draw.whole(10) : draw.whole(4);
    for (let index = 0; index < count; index += 1) {
      id += 1;
      const name = draw.chance(0.05) ? `amphora-${id}-` : `vm${id}-`;
      add(id, name, node, draw.chance(0.2) ? 'stopped' : 'active');
    }
  }
  for (const state of ['paused', 'suspended', 'rescued', 'resized']) {
    id += 1;
    if (draw.chance(0.2)) add(id, `${state}-`, 'comp0', state);
  }
  if (draw.chance(0.2)) {
    const host = site.host('comp0');
    host.disabled = true;
    host.disabledReason = 'broken fan';
    scene.foreign.set(host.name, 'broken fan');
    scene.tell('comp0 was disabled by an operator');
  }
  for (const host of world.hosts.values()) if (draw.chance(0.2)) host.spawn = 500 + draw.random() * 15_000;
}
