/**
 * One member deep inside a JSON value, undefined where the way leads nowhere: lets tests look into answers without
 * believing them to have a shape.
 */
export function pick(value: unknown, ...path: readonly (string | number)[]): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Reflect.get(at, step);
  }
  return at;
}

/** The items of a list deep inside a JSON value; none where there is no list. */
export function items(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const list = pick(value, ...path);
  return Array.isArray(list) ? list : [];
}
