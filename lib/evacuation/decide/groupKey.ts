/** A short name of a group, for what is kept of it in the cluster: 32 bits of FNV-1a tell the groups of a failure apart. */
export function groupKey(group: string): string {
  let value = 0x811c9dc5;
  for (const char of group) value = Math.imul(value ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return (value >>> 0).toString(16).padStart(8, '0');
}
