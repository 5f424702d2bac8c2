import type { MarkName, NodeName } from './names.ts';

/**
 * What an operator types to say that a host is not to be evacuated, or is through: its mark reads `no`. The permanent side
 * first, which no claim writes over; a name that is no cluster node has none, and the first command then changes nothing.
 */
export function noCommand(name: MarkName): string {
  return `crm_attribute -N ${name} -n evacuate -l forever -v no; attrd_updater -n evacuate -N ${name} -U no`;
}

/** An operator's `go` for one host: no limit counts for it, nor the time that Nova wants to be left alone. */
export function goCommand(name: MarkName): string {
  return `crm_attribute -N ${name} -n evacuation -l forever -v go`;
}

/**
 * Takes back an operator's word on evacuations. Short, as Pacemaker shows 128 characters: where a node is named and no lifetime,
 * crm_attribute means the permanent attribute.
 *
 * @param node null: said of the cluster
 * @param isTransient said in the transient attribute alone
 */
export function unsayCommand(node: NodeName | null, isTransient: boolean): string {
  if (node === null) return 'crm_attribute -t crm_config -n evacuation -D';
  return isTransient
    ? `attrd_updater -n evacuation -N ${node} -D`
    : `crm_attribute -N ${node} -n evacuation -D`;
}
