import { digestOf } from './digest.ts';
import type { Release } from './release.ts';

/** Tells releases of an endpoint apart: 12 hex digits over all that decides its answers. */
export const releaseId = ({ endpoint: _endpoint, weights, ...rest }: Release): string => digestOf({ ...rest, weights: weights.digest }).slice(7, 19);
