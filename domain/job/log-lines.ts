/** What to say of a log that nobody has summed up: where it speaks of an error, else how it ends. */
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

/** As Python, CUDA, NCCL, the shell and the kernel spell it. */
const error =
  /\b(\w*(Error|Exception)\b(?!s?\s+rate)|error:|fatal|panic|Segmentation fault|core dumped|Killed|out of memory|No space left|NCCL WARN|Traceback|assert(ion)? failed|timed out)/i;

/** Bars that redraw themselves: in a file each state of them is a line. */
const isProgress = (line: string): boolean => /\d+%\|/.test(line);
