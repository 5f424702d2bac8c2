type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * Throws on whatever is none of the errors that its catcher knows what to do about: a mistake of ours, or of somebody else's,
 * must not pass for trouble with Nova or Pacemaker.
 */
export function rethrowUnless<Classes extends readonly ErrorClass[]>(
  error: unknown,
  ...classes: Classes
): asserts error is InstanceType<Classes[number]> {
  if (!classes.some((one) => error instanceof one)) throw error;
}
