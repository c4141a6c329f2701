import { z } from 'zod';

/** Of a model, a prompt or an endpoint. */
export const name = z
  .string()
  .regex(/^[a-z]([a-z0-9-]{0,39}[a-z0-9])?$/, 'lower-case letters, digits and dashes, starting with a letter, not ending in a dash, at most 41 long');
