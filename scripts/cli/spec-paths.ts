import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

type Json = Readonly<Record<string, unknown>>;

/** The spec with every path that exists under the root in full: a worker whose code is elsewhere finds the same files. */
export function rootPaths(spec: Json, root: string | undefined): Record<string, unknown> {
  if (root === undefined) return { ...spec };
  const full = (path: unknown): unknown =>
    typeof path === 'string' && existsSync(resolve(root, path)) ? resolve(root, path) : path;
  const within = (part: unknown, field: string): unknown =>
    isObject(part) && field in part ? { ...part, [field]: full(part[field]) } : part;
  const { baseModel, data, prompt, evaluate } = spec;
  return {
    ...spec,
    ...(baseModel === undefined ? {} : { baseModel: full(baseModel) }),
    ...(data === undefined ? {} : { data: within(data, 'path') }),
    ...(prompt === undefined ? {} : { prompt: within(prompt, 'path') }),
    ...(isObject(evaluate)
      ? {
          evaluate: {
            ...evaluate,
            ...('harness' in evaluate ? { harness: within(evaluate['harness'], 'includePath') } : {}),
          },
        }
      : {}),
  };
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
