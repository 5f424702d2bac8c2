/** Stable codes of {@link AttrdError}. */
export type AttrdErrorCode =
  /** The tool is not installed (not on PATH). */
  | 'missing'
  /** attrd or the CIB manager does not answer: no cluster on this machine (exit 102 and its older kin). */
  | 'noCluster'
  | 'timeout'
  /** The tool refused or failed: its exit code and message are in the error's. */
  | 'failed'
  /** The tool's answer cannot be understood. */
  | 'malformed';

/** What went wrong between us and Pacemaker's attribute tools, as a sentence. */
export class AttrdError extends Error {
  readonly code: AttrdErrorCode;
  readonly exitCode: number | null;

  constructor(code: AttrdErrorCode, message: string, facts: { exitCode?: number; cause?: unknown } = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'AttrdError';
    this.code = code;
    this.exitCode = facts.exitCode ?? null;
  }
}
