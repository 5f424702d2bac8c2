import { Draw } from '../draw.ts';
import { clockSteps, clocksDiffer } from './clocks.ts';
import { attrdDown, crmMonFails, noDc, noQuorum } from './cluster.ts';
import { furtherFailures, killedProcesses, rackFails } from './failures.ts';
import { computeHangs, hostDisabled, neverFinishes, roomShort, spawnRefused } from './hosts.ts';
import { bornInError, instanceDeleted, instanceRefused } from './instances.ts';
import { attributesJudged, countsJudged, nobodyHelps } from './judges.ts';
import type { Kind } from './kind.ts';
import { apiBreaksOff, busLoses, movesInFlight } from './lost.ts';
import { secondName } from './names.ts';
import { notesLost } from './notes.ts';
import { notYetHeld } from './notYetHeld.ts';
import { markTakenBack, paused } from './operators.ts';
import { purged } from './purges.ts';
import { cellAnswersLate, listLacksCell, requestsFail } from './requests.ts';
import { cellDown, conductorDown, placementSilent, servicesDown, tokensRevoked } from './services.ts';
import { toolFailsOnce, toolHangs, toolsSlow } from './tools.ts';

/** Everything that may go wrong, beside the failure of a host. */
export const kinds: readonly Kind[] = [
  furtherFailures,
  rackFails,
  killedProcesses,
  requestsFail,
  cellDown,
  conductorDown,
  ...servicesDown,
  placementSilent,
  tokensRevoked,
  attrdDown,
  crmMonFails,
  noDc,
  noQuorum,
  toolsSlow,
  toolFailsOnce,
  toolHangs,
  roomShort,
  spawnRefused,
  computeHangs,
  neverFinishes,
  hostDisabled,
  busLoses,
  apiBreaksOff,
  movesInFlight,
  listLacksCell,
  cellAnswersLate,
  clocksDiffer,
  clockSteps,
  secondName,
  bornInError,
  instanceRefused,
  instanceDeleted,
  purged,
  paused,
  markTakenBack,
  notesLost,
  nobodyHelps,
  countsJudged,
  attributesJudged,
];

/** Which kinds to draw, by name; `WITH=all` are all. */
export interface Wish {
  /** These and no other, each for certain. */
  readonly only?: readonly string[];
  /** Those not yet held as well, of these names. */
  readonly with?: readonly string[];
  readonly without?: readonly string[];
}

/** `ONLY=a,b`, `WITH=all`, `WITHOUT=c`; throws when there is no such kind. */
export function wishOf(env: NodeJS.ProcessEnv): Wish {
  const names = (variable: string) => {
    const given = (env[variable] ?? '').split(',').filter((name) => name !== '');
    const stray = given.find(
      (name) => name !== 'all' && name !== 'none' && !kinds.some((kind) => kind.name === name),
    );
    if (stray !== undefined) throw new Error(`${variable}: there is no kind "${stray}"`);
    return given;
  };
  const only = names('ONLY');
  return { ...(only.length > 0 ? { only } : {}), with: names('WITH'), without: names('WITHOUT') };
}

/** What goes wrong in the incident of a seed. Each kind is drawn from a sequence of its own. */
export function kindsOf(seed: number, wish: Wish): { readonly kind: Kind; readonly draw: Draw }[] {
  const named = (list: readonly string[] | undefined, name: string) =>
    list?.some((each) => each === name || each === 'all') ?? false;
  return kinds
    .map((kind) => ({ kind, draw: new Draw(hash(`${seed} ${kind.name}`)) }))
    .filter(({ kind: { name, part }, draw }) => {
      const isDrawn = draw.chance(part);
      if (wish.only !== undefined) return named(wish.only, name);
      if (named(wish.without, name)) return false;
      return isDrawn && (!notYetHeld.has(name) || named(wish.with, name));
    });
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const char of text) value = Math.imul(value ^ char.charCodeAt(0), 0x01000193);
  return value >>> 0;
}
