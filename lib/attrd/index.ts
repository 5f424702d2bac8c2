import { randomUUID } from 'node:crypto';
import { processTime } from '../system/processTime.ts';
import { Attributes } from './attributes.ts';
import { type CommandRunner, createCommandRunner } from './command.ts';
import { EvacuationModesReader } from './evacuationModes.ts';
import type { Patience } from './insist.ts';
import { TwofoldMarkStore } from './markStore.ts';
import { PermanentMarks } from './permanentMarks.ts';
import type { MarkStore } from './types.ts';

export { Attributes } from './attributes.ts';
export { type CommandResult, type CommandRunner, cleanEnvironment, createCommandRunner } from './command.ts';
export { AttrdError, type AttrdErrorCode } from './errors.ts';
export { judgeWords } from './evacuationModes.ts';
export type { Incident, IncidentPhase } from './incident.ts';
export { insist, type Patience } from './insist.ts';
export { type Known, type KnownRefusal, keptRefusals, mostKnown, nothingKnown, shortId } from './known.ts';
export { formatMark, isPending, parseMark } from './mark.ts';
export {
  firstLabel,
  type MarkName,
  markName,
  markOfNode,
  type NodeName,
  nodeName,
  nodeOfMark,
} from './names.ts';
export { goCommand, noCommand, unsayCommand } from './operatorCommands.ts';
export type { SaidWord } from './parseCib.ts';
export { isOpen } from './readMark.ts';
export type {
  EvacuationModes,
  Mark,
  MarkMeant,
  MarkReading,
  MarkStore,
  MarksReading,
  Mode,
} from './types.ts';

export interface AttrdOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Bound of each call of a tool, in ms. */
  readonly timeoutMs: number;
  /** For how long what is not answered is asked again; else it is asked once. */
  readonly patience?: Patience;
  /** For tests: runs the tools instead of real child processes. */
  readonly run?: CommandRunner;
}

/** Pacemaker's node attributes as the local tools give them. */
export function createAttributes(options: AttrdOptions): Attributes {
  return new Attributes(options.run ?? createCommandRunner(options), options.patience ?? null);
}

/** The marks of the cluster this machine belongs to. */
export function createMarkStore(options: AttrdOptions & { readonly now?: () => number }): MarkStore {
  const run = options.run ?? createCommandRunner(options);
  return new TwofoldMarkStore({
    attributes: new Attributes(run, options.patience ?? null),
    permanent: new PermanentMarks(run, options.patience ?? null),
    now: options.now ?? processTime,
    newId: () => randomUUID(),
  });
}

/** What operators say of evacuations (`evacuation=pause|go`). */
export function createEvacuationModes(options: AttrdOptions): EvacuationModesReader {
  return new EvacuationModesReader(createAttributes(options));
}
