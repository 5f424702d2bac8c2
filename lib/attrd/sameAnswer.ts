/** Answers that are kept of one question, and how long one may be, in characters: a large cluster's whole state is not kept. */
const mostKept = 4;
const longestKept = 262_144;

/**
 * A parser that knows its last answers again. A tool that is asked every few seconds mostly prints what it printed before, and of a
 * cluster with hundreds of nodes that takes a while to read. What it gives must not be changed by anybody: it may be given again.
 */
export function knowingAgain<T>(parse: (printed: string) => Promise<T>): (printed: string) => Promise<T> {
  const kept = new Map<string, T>();
  return async (printed) => {
    const known = kept.get(printed);
    if (known !== undefined) return known;
    const parsed = await parse(printed);
    if (printed.length > longestKept) return parsed;
    kept.set(printed, parsed);
    if (kept.size > mostKept) for (const oldest of [...kept.keys()].slice(0, -mostKept)) kept.delete(oldest);
    return parsed;
  };
}
