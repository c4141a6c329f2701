/** Returns the most useful lines of a log: the last ones that mention an error, or else the last lines. */
export function linesThatMatter(log: string): readonly string[] {
  const lines = log
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !isProgress(line));
  const telling = lines.filter((line) => error.test(line));
  return (telling.length > 0 ? telling : lines)
    .slice(-maximumLines)
    .map((line) => (line.length > maximumLength ? `${line.slice(0, maximumLength)}…` : line));
}

const maximumLines = 5;
const maximumLength = 300;

/** The spellings of Python, CUDA, NCCL, the shell and the kernel. */
const error =
  /\b(\w*(Error|Exception)\b(?!s?\s+rate)|error:|fatal|panic|Segmentation fault|core dumped|Killed|out of memory|No space left|NCCL WARN|Traceback|assert(ion)? failed|timed out)/i;

/** True for a progress bar: a log file has one line for each of its states. */
const isProgress = (line: string): boolean => /\d+%\|/.test(line);
