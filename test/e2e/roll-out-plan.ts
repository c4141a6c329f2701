import type { Random } from '../faults/faults.ts';

/** So many endpoints live at once, in one stack: what one has killed, all of them lose. */
export const lanes = ['north', 'east', 'south', 'west', 'middle'];
/** Of the endpoint's execution. The first is what asks it. */
export const steps = [
  'askEndpoint',
  'readCandidate',
  'startRelease',
  'tryRelease',
  'loadTest',
  'splitTraffic',
  'checkCanary',
  'applyServingState',
  'noteRefusal',
] as const;
export type Step = (typeof steps)[number];

export const careful = ['first', 'second', 'third'];
/** Released without a canary. */
export const direct = ['heads', 'tails'];
export const good = [...careful, ...direct];
/** `failing` passes every trial and fails whatever clients ask; `forged` passed no gate; `changed` is not what the gate let through. */
export const bad = ['failing', 'forged', 'changed'];

/** Which of the bad ones get as far as that step. */
export const cameTo = (step: Step): readonly string[] =>
  ['askEndpoint', 'readCandidate', 'applyServingState'].includes(step) ? bad : ['failing'];
export const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
