import { password } from '../../simulators/world/site.ts';
import type { Kind } from './kind.ts';

const evacuate = { service: 'nova', method: 'POST', path: '/action$', body: '"evacuate"' };

/** What becomes of single requests, by the simulated cloud's own rules. */
export const requestsFail: Kind = {
  name: 'requests-fail',
  part: 0.9,
  begin(scene, draw) {
    const { faults } = scene.site.cloud;
    const add = (rule: Record<string, unknown>, probability: number) =>
      faults.add({ ...rule, probability, seed: 1 + draw.whole(1_000_000) });
    // Carried out late: within what a killed pass's successor waits.
    const late = () => Math.round(draw.random() * 9_000);
    if (scene.mode !== 'failover') {
      add({ ...evacuate, hang: true }, 0.02);
      add({ ...evacuate, hang: true, effect: true, delayMs: late() }, 0.03);
      add({ ...evacuate, reset: 'before' }, 0.02);
      add({ ...evacuate, reset: 'after', delayMs: late() }, 0.03);
      add({ ...evacuate, truncate: true }, 0.02);
      add({ ...evacuate, delayMs: late() }, 0.1);
    }
    add({ ...evacuate, status: 500 }, 0.03);
    add({ ...evacuate, status: 429, headers: { 'Retry-After': '3' } }, 0.03);
    const post = { service: 'nova', method: 'POST', path: '/action$' };
    add({ ...post, status: 503, text: '<html>Service Unavailable</html>' }, 0.03);
    add({ ...post, reset: 'after' }, 0.02);
    for (const service of ['nova', 'keystone', 'glance'] as const) {
      const read = service === 'keystone' ? { service } : { service, method: 'GET' };
      add({ ...read, status: 500, json: { computeFault: { code: 500, message: `no: ${password}` } } }, 0.01);
      add({ ...read, status: 503, text: '<html>Service Unavailable</html>' }, 0.01);
      add({ ...read, status: 429, headers: { 'Retry-After': '2' } }, 0.01);
      add({ ...read, reset: 'before' }, 0.005);
      add({ ...read, truncate: true }, 0.005);
      add({ ...read, hang: true }, 0.002);
      add({ ...read, delayMs: Math.round(draw.random() * 4_000) }, 0.05);
    }
    add({ service: 'nova', method: 'PUT', status: 500 }, 0.03);
    add({ service: 'nova', method: 'PUT', reset: 'after' }, 0.03);
  },
};

const lists = { service: 'nova', method: 'GET', path: '/(servers/detail|os-services|os-migrations)(\\?|$)' };

/** Nova cannot reach the cell's database for one query, and leaves out of its answer what is in it. */
export const listLacksCell: Kind = {
  name: 'list-lacks-cell',
  part: 0.2,
  begin(scene, draw) {
    scene.site.cloud.faults.add({
      ...lists,
      cellAway: true,
      probability: 0.02 + draw.random() * 0.05,
      seed: 1 + draw.whole(1_000_000),
    });
  },
};

/**
 * A cell answers a query late: within the minute that Nova waits for it (nova/context.py, CELL_TIMEOUT), or not, and
 * then its part is left out.
 */
export const cellAnswersLate: Kind = {
  name: 'cell-answers-late',
  part: 0.1,
  begin(scene, draw) {
    const late = draw.chance(0.5)
      ? { delayMs: draw.between(15_000, 59_000) }
      : { delayMs: 60_500, cellAway: true };
    const probability = 0.01 + draw.random() * 0.02;
    scene.site.cloud.faults.add({ ...lists, ...late, probability, seed: 1 + draw.whole(1_000_000) });
  },
};
