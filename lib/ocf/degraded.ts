/**
 * The first feature set whose every daemon takes 190 for "running, degraded": that of Pacemaker 2.0.5 ("daemons:
 * Recognize new OCF agent status codes 190 (degraded) and 191"). Pacemaker 1.1.13 already had the scheduler's half,
 * but up to 2.0.4 the executor turned every code above 9 into 1, a failure that restarts the resource.
 */
const SINCE = [3, 6, 1] as const;

/**
 * Whether the cluster understands exit code 190. `crmFeatureSet` is `OCF_RESKEY_crm_feature_set` (`3.16.1`); null,
 * and whatever is no version, counts as no: a plain success is never wrong.
 */
export function understandsDegraded(crmFeatureSet: string | null): boolean {
  const match = /^(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?$/.exec(crmFeatureSet?.trim() ?? '');
  if (match === null) return false;
  const version = [match[1], match[2], match[3] ?? '0'].map(Number);
  for (const [index, minimum] of SINCE.entries()) {
    const part = version[index] ?? 0;
    if (part !== minimum) return part > minimum;
  }
  return true;
}
