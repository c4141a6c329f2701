import type { ReplicaBounds } from '../../domain/endpoint/replicas.ts';
import type { JobPlacement } from './job.ts';

/** The namespace, images and resources of a cluster's releases. The same for all releases. */
export interface ReleasePlacement extends Pick<
  JobPlacement,
  'namespace' | 'gpus' | 'gpuProduct' | 'memory' | 'userId'
> {
  readonly storage: NonNullable<JobPlacement['storage']>;
  /** By digest, like the image of the Jobs. */
  readonly image: string;
  /** The engine's program and arguments. Kubernetes expands the variables of `engineVariables` in them. */
  readonly command: readonly string[];
  readonly cpu: string;
  /** By digest. The image that contains the release proxy. */
  readonly releaseProxyImage: string;
  readonly releaseProxyEnv: Readonly<Record<string, string>>;
  readonly replicas: ReplicaBounds;
  /** The metric that shows an engine's load, and the load per replica. Undefined: the engine's CPU use. */
  readonly load?: { readonly metric: string; readonly each: string };
  readonly gateway?: GatewayReference;
  /** True if KServe creates a release's Deployment. */
  readonly kserve?: boolean;
}

export interface GatewayReference {
  readonly namespace: string;
  readonly name: string;
  /** The URL of an endpoint behind the Gateway, with `*` in place of the endpoint's name. */
  readonly url: string;
}
