import type { ApiObject, Condition } from './api-object.ts';
import type { Store } from './store.ts';

/** As Kueue does once there is quota. */
export function admit(store: Store, job: ApiObject): void {
  store.update('jobs', job, (draft) => void (draft.spec = { ...draft.spec, suspend: false }));
}

export function mark(store: Store, job: ApiObject, type: string, reason: string, message: string): void {
  store.update(
    'jobs',
    job,
    (draft) => void (draft.status = { ...draft.status, conditions: [condition(store, type, reason, message)] }),
  );
}

export function conclude(store: Store, job: ApiObject, type: 'Complete' | 'Failed'): void {
  store.update('jobs', job, (draft) => {
    const [cause] = draft.status?.conditions ?? [];
    const { active: _active, ...status } = draft.status ?? {};
    const figures = type === 'Complete' ? { succeeded: 1, completionTime: store.timestamp() } : { failed: 1 };
    draft.status = {
      ...status,
      ...figures,
      conditions: [...(cause ? [cause] : []), condition(store, type, cause?.reason, cause?.message)],
    };
  });
}

export function condition(store: Store, type: string, reason?: string, message?: string): Condition {
  return { type, status: 'True', reason, message, lastTransitionTime: store.timestamp() };
}
