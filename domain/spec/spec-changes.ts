export interface Change {
  /** Dotted path of the field, such as `tune.steps` or `gate[0].value`. */
  readonly path: string;
  /** Undefined if the field is absent. */
  readonly before: unknown;
  readonly after: unknown;
}

/** Each field in which two specs differ, in the order of the later one. */
export function changesBetween(before: unknown, after: unknown, path = ''): readonly Change[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (isObject(before) && isObject(after))
    return keysOf(after, before).flatMap((key) =>
      changesBetween(before[key], after[key], path === '' ? key : `${path}.${key}`),
    );
  // Compare lists of objects, such as rules, item by item. Any other list counts as one value.
  if (isListOfObjects(before) && isListOfObjects(after))
    return Array.from({ length: Math.max(before.length, after.length) }, (_, i) => i).flatMap((i) =>
      changesBetween(before[i], after[i], `${path}[${i}]`),
    );
  return [{ path, before, after }];
}

const keysOf = (after: object, before: object): string[] => [
  ...new Set([...Object.keys(after), ...Object.keys(before)]),
];
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isListOfObjects = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.every(isObject);
