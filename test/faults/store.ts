import { type Resource, type Change, type ApiObject, type NewObject, resources } from './api-object.ts';
import { gone, StatusError } from './status.ts';

const keyOf = (resource: Resource, namespace: string, name: string) => `${resource}/${namespace}/${name}`;

/** etcd in small: objects, one revision for all of them, and every change since the start. Stored objects are never altered. */
export class Store {
  readonly history: Change[] = [];
  readonly #objects = new Map<string, { resource: Resource; object: ApiObject }>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #now: () => number;
  #revision = 1;
  #compacted = 0;
  #uids = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get revision(): number {
    return this.#revision;
  }

  timestamp(): string {
    return new Date(this.#now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }

  /** From now on, a watch from before this moment is answered with 410. */
  compact(): void {
    this.#compacted = this.#revision;
  }

  since(revision: number): Change[] {
    if (revision < this.#compacted) throw gone();
    return this.history.filter((change) => change.revision > revision);
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** As it was at `revision`, in the order of creation. */
  list(resource: Resource, namespace?: string, revision = this.#revision): ApiObject[] {
    const objects = new Map<string, ApiObject>();
    if (revision === this.#revision)
      for (const [key, held] of this.#objects) if (held.resource === resource) objects.set(key, held.object);
    if (revision < this.#revision) {
      for (const { resource: of, before, after, revision: at } of this.history) {
        const { namespace: space, name } = (after ?? before)?.metadata ?? { namespace: '', name: '' };
        if (of !== resource || at > revision) continue;
        if (after) objects.set(keyOf(of, space, name), after);
        else objects.delete(keyOf(of, space, name));
      }
    }
    return [...objects.values()].filter((object) => namespace === undefined || object.metadata.namespace === namespace);
  }

  find(resource: Resource, namespace: string, name: string): ApiObject | undefined {
    return this.#objects.get(keyOf(resource, namespace, name))?.object;
  }

  get(resource: Resource, namespace: string, name: string): ApiObject {
    const found = this.find(resource, namespace, name);
    if (!found) throw new StatusError(404, 'NotFound', `${nameOf(resource, name)} not found`);
    return found;
  }

  create(resource: Resource, namespace: string, sent: NewObject): ApiObject {
    const { apiVersion, kind } = resources[resource];
    const name = sent.metadata?.name ?? '';
    if (name === '')
      throw new StatusError(
        422,
        'Invalid',
        `${kind} is invalid: metadata.name: Required value: name or generateName is required`,
      );
    if (this.find(resource, namespace, name))
      throw new StatusError(409, 'AlreadyExists', `${nameOf(resource, name)} already exists`);
    this.#uids += 1;
    const uid = `00000000-0000-4000-8000-${String(this.#uids).padStart(12, '0')}`;
    const metadata = {
      ...sent.metadata,
      name,
      namespace,
      uid,
      generation: 1,
      creationTimestamp: this.timestamp(),
      resourceVersion: '',
    };
    return this.#write(resource, undefined, {
      ...sent,
      apiVersion,
      kind,
      metadata,
      ...(resource === 'jobs' ? { status: {} } : {}),
    });
  }

  /** Writes what `change` makes of a copy; a change to nothing writes nothing. Only the revision and the UID are checked. */
  update(resource: Resource, object: ApiObject, change: (draft: ApiObject) => ApiObject | undefined): ApiObject {
    const { name, namespace } = object.metadata;
    const before = this.get(resource, namespace, name);
    const draft = structuredClone(before);
    const after = change(draft) ?? draft;
    const { resourceVersion, uid } = after.metadata;
    if (resourceVersion !== before.metadata.resourceVersion || uid !== before.metadata.uid)
      throw new StatusError(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${nameOf(resource, name)}: the object has been modified; please apply your changes to the latest version and try again`,
      );
    if (JSON.stringify(after) === JSON.stringify(before)) return before;
    const changedSpec = JSON.stringify(after.spec) !== JSON.stringify(before.spec);
    const { generation, creationTimestamp } = before.metadata;
    return this.#write(resource, before, {
      ...after,
      metadata: {
        ...after.metadata,
        name,
        namespace,
        creationTimestamp,
        generation: generation + (changedSpec ? 1 : 0),
      },
    });
  }

  remove(resource: Resource, object: ApiObject): void {
    const before = this.get(resource, object.metadata.namespace, object.metadata.name);
    this.#write(resource, before, undefined);
  }

  #write(resource: Resource, before: ApiObject | undefined, wanted: ApiObject): ApiObject;
  #write(resource: Resource, before: ApiObject, wanted: undefined): undefined;
  #write(resource: Resource, before: ApiObject | undefined, wanted: ApiObject | undefined): ApiObject | undefined {
    this.#revision += 1;
    const after = wanted && { ...wanted, metadata: { ...wanted.metadata, resourceVersion: String(this.#revision) } };
    const { namespace, name } = (after ?? before)?.metadata ?? { namespace: '', name: '' };
    if (after) this.#objects.set(keyOf(resource, namespace, name), { resource, object: after });
    else this.#objects.delete(keyOf(resource, namespace, name));
    const change = { revision: this.#revision, resource, before, after };
    this.history.push(change);
    for (const listener of this.#listeners) listener(change);
    return after;
  }
}

function nameOf(resource: Resource, name: string): string {
  const { group } = resources[resource];
  return `${group === '' ? resource : `${resource}.${group}`} "${name}"`;
}

export type Filter = (object: ApiObject) => boolean;

/** `a=b`, `a in (b,c)` and `a` over labels; comma separated, all must hold. */
export function filterOf(labelSelector: string): Filter {
  const terms = labelSelector
    .split(/,(?![^(]*\))/)
    .filter(Boolean)
    .map((term) => {
      const [, key = '', one, several] = /^([^ =]+)(?:=(.*)| in \((.*)\))?$/.exec(term) ?? [];
      return { key, wanted: several?.split(',') ?? (one === undefined ? undefined : [one]) };
    });
  return ({ metadata: { labels } }) =>
    terms.every(({ key, wanted }) => (wanted ? wanted.includes(labels?.[key] ?? '') : labels?.[key] !== undefined));
}
