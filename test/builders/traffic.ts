import type { Example } from '../../domain/monitoring/training-profile.ts';

const words =
  'lists reads writes files for images with fonts network games tools a the of and library shell editor mail server music maps charts text small fast'.split(
    ' ',
  );

/** Prompts of some words, few of them often, and an answer to each: as traffic is, from one seed. `longer` and `about` plant drift. */
export function someExamples(
  count: number,
  random: () => number,
  { longer = 1, about = '', share = 1 }: { longer?: number; about?: string; share?: number } = {},
): Example[] {
  const sentence = (length: number): string =>
    Array.from({ length }, () => words[Math.floor(random() ** 2 * words.length)]).join(' ');
  return Array.from({ length: count }, () => {
    const planted = random() < share;
    return {
      prompt: `${planted && about ? `${about} ` : ''}${sentence(Math.ceil((4 + random() * 20) * (planted ? longer : 1)))}`,
      completion: sentence(Math.ceil((2 + random() * 6) * (planted ? longer : 1))),
    };
  });
}
