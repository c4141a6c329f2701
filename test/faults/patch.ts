import { StatusError } from './status.ts';

type Json = Record<string, unknown>;
interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 7386: null removes, lists are replaced whole. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Json = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(merged, key);
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

/** The part of RFC 6902 that clients of Jobs use: `test`, `add`, `replace` and `remove`. A test that fails is a 422. */
export function jsonPatch(target: unknown, operations: readonly Operation[]): unknown {
  const patched = structuredClone(target);
  for (const { op, path, value } of operations) {
    const keys = path.split('/').slice(1).map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = keys.pop() ?? '';
    let parent = patched as Json;
    for (const key of keys) {
      if (!isObject(parent[key]) && !Array.isArray(parent[key])) throw rejected(`nothing at ${path}`);
      parent = parent[key] as Json;
    }
    const present = Object.hasOwn(parent, last);
    if (op === 'test') {
      if (JSON.stringify(parent[last]) !== JSON.stringify(value)) throw rejected(`testing value ${path} failed`);
    } else if (op === 'add') {
      if (!Array.isArray(parent)) parent[last] = value;
      else if (last === '-') parent.push(value);
      else parent.splice(Number(last), 0, value);
    } else if (!present) throw rejected(`nothing at ${path}`);
    else if (op === 'replace') parent[last] = value;
    else if (op === 'remove') {
      if (Array.isArray(parent)) parent.splice(Number(last), 1);
      else Reflect.deleteProperty(parent, last);
    } else throw rejected(`no operation ${op}`);
  }
  return patched;
}

const rejected = (why: string) => new StatusError(422, 'Invalid', `the server rejected our request due to an error in our request: ${why}`);
