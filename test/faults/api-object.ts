export const resources = {
  jobs: { apiVersion: 'batch/v1', kind: 'Job', group: 'batch' },
  pods: { apiVersion: 'v1', kind: 'Pod', group: '' },
  events: { apiVersion: 'v1', kind: 'Event', group: '' },
} as const;
export type Resource = keyof typeof resources;

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

/** An object as it travels in JSON: the fields that the server itself reads, and whatever else the client sent. */
export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    resourceVersion: string;
    generation: number;
    creationTimestamp: string;
    deletionTimestamp?: string;
    deletionGracePeriodSeconds?: number;
    finalizers?: string[];
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: {
      apiVersion: string;
      kind: string;
      name: string;
      uid: string;
      controller?: boolean;
      blockOwnerDeletion?: boolean;
    }[];
  };
  spec?: ObjectSpec;
  status?: ObjectStatus;
}

/** What a client sends to make one. */
export type NewObject = Partial<Pick<ApiObject, 'spec' | 'status'>> & {
  readonly metadata?: Partial<ApiObject['metadata']>;
};

interface ObjectSpec {
  suspend?: boolean;
  activeDeadlineSeconds?: number;
  ttlSecondsAfterFinished?: number;
  nodeName?: string;
  containers?: { name: string; image?: string }[];
  template?: {
    metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
    spec?: ObjectSpec;
  };
  podFailurePolicy?: {
    rules: {
      action: string;
      onPodConditions?: { type: string; status?: string }[];
      onExitCodes?: { operator: string; values: number[] };
    }[];
  };
}

interface ObjectStatus {
  phase?: string;
  startTime?: string;
  completionTime?: string;
  active?: number;
  succeeded?: number;
  failed?: number;
  conditions?: Condition[];
  containerStatuses?: {
    name: string;
    image: string;
    imageID: string;
    ready: boolean;
    restartCount: number;
    state: Record<string, unknown>;
  }[];
}

export interface Change {
  readonly revision: number;
  readonly resource: Resource;
  readonly before?: ApiObject;
  readonly after?: ApiObject;
}
