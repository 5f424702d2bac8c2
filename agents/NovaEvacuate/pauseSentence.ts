import { type EvacuationModes, unsayCommand } from '../../lib/attrd/index.ts';

/**
 * What is paused while no host waits for it, and the command that ends it; null: nothing is. Pacemaker cuts an exit reason
 * at 128 characters (seen on 2.1.5), so what counts stands first and it is short.
 */
export function pauseSentence({ cluster, nodes, transient, unknown }: EvacuationModes): string | null {
  const says = (where: string | null) => {
    const odd = unknown.find((one) => one.where === where);
    return odd === undefined ? 'evacuation=pause' : `evacuation="${odd.value}" counts as pause`;
  };
  if (cluster === 'pause') {
    return `evacuations are paused: cluster property ${says(null)}; to end it: ${unsayCommand(null, false)}`;
  }
  const paused = [...nodes].filter(([, mode]) => mode === 'pause').map(([node]) => node);
  const [first] = paused.sort();
  if (first === undefined) return null;
  const others = paused.length === 1 ? '' : ` and ${paused.length - 1} more`;
  const command = unsayCommand(first, transient.has(first));
  return `evacuations of ${first}${others} are paused: attribute ${says(first)}; to end it: ${command}`;
}
