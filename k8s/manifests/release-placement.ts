import type { ReplicaBounds } from '../../domain/endpoint/replicas.ts';
import type { JobPlacement } from './job.ts';

/** Where and with what a cluster serves releases; the same for all of them. */
export interface ReleasePlacement extends Pick<
  JobPlacement,
  'namespace' | 'gpus' | 'gpuProduct' | 'memory' | 'userId'
> {
  readonly storage: NonNullable<JobPlacement['storage']>;
  /** By digest, as the Jobs' image is. */
  readonly image: string;
  /** Its program and arguments, in which Kubernetes puts in the variables of `engineVariables`. */
  readonly command: readonly string[];
  readonly cpu: string;
  /** By digest: the image that has the program of the release proxy. */
  readonly releaseProxyImage: string;
  readonly releaseProxyEnv: Readonly<Record<string, string>>;
  readonly replicas: ReplicaBounds;
  /** What shows an engine's load, and how much of it a replica takes. Undefined: the engine's processor. */
  readonly load?: { readonly metric: string; readonly each: string };
  readonly gateway?: GatewayReference;
  /** Whether KServe makes a release's Deployment. */
  readonly kserve?: boolean;
}

export interface GatewayReference {
  readonly namespace: string;
  readonly name: string;
  /** Where clients reach an endpoint through it, whose name is put in for `*`. */
  readonly url: string;
}
