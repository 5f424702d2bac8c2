/** What names a process for certain: a pid is used again, even within seconds. */
export interface PidFile {
  readonly pid: number;
  /** `ProcessFacts.startTicks` */
  readonly startTicks: number;
  /** The boot of the machine that both belong to. */
  readonly bootId: string;
}

/** One a line, the pid first: whoever knows pid files can read it. */
export function formatPidFile(content: PidFile): string {
  return `${content.pid}\n${content.startTicks}\n${content.bootId}\n`;
}

/** Null when the text is none of ours. */
export function parsePidFile(text: string): PidFile | null {
  const match = /^([1-9]\d{0,9})\n(\d{1,20})\n([\w-]{1,64})\n$/.exec(text);
  return match === null
    ? null
    : { pid: Number(match[1]), startTicks: Number(match[2]), bootId: match[3] ?? '' };
}
