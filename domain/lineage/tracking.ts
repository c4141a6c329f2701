/** The methods that activities need from the tracking server and the registry; `mlflow/` implements them. */
export interface Tracking {
  /** Idempotent: there is one run for each `key`. */
  openRun(run: RunToOpen): Promise<string>;
  /** The newest finished run of the experiment that carries the tag. */
  findFinishedRun(experiment: string, tag: Tag): Promise<FinishedRun | undefined>;
  setTags(runId: string, tags: Readonly<Record<string, string>>): Promise<void>;
  putText(runId: string, path: string, text: string): Promise<void>;
  /** Undefined if the run has no such artifact. */
  readText(runId: string, path: string): Promise<string | undefined>;
  /** Idempotent: figures of the same step and time are stored once. */
  logFigures(
    runId: string,
    figures: Readonly<Record<string, number>>,
    at: { readonly step: number; readonly atMs: number },
  ): Promise<void>;
  startedAtMs(runId: string): Promise<number>;
  /** Idempotent. */
  endRun(runId: string, status: RunStatus): Promise<void>;
  /** Idempotent: equal text gives the same version. */
  registerPrompt(name: string, template: string): Promise<string>;
  /** Returns the version that `registerPrompt` would return; undefined if it would create one. */
  findPrompt(name: string, template: string): Promise<string | undefined>;
  /** The text of a prompt version in the registry now; undefined if the version does not exist. */
  readPrompt(name: string, version: string): Promise<string | undefined>;
  /** Idempotent: there is one version for each weights digest. Updates its tags. */
  registerVersion(version: VersionToRegister): Promise<string>;
  /** Undefined if the version does not exist. */
  readVersion(model: string, version: string): Promise<TaggedVersion | undefined>;
  /** The versions that have all these tags, the oldest first; empty if the model does not exist. */
  findVersions(model: string, tags: Readonly<Record<string, string>>): Promise<readonly TaggedVersion[]>;
  /** The version that the alias names, even if Tuneline did not register it. */
  aliasVersion(model: string, alias: Alias): Promise<string | undefined>;
  /** Lists all registered models. */
  listModels(): Promise<readonly RegisteredModel[]>;
  /** Empty if the model does not exist. */
  modelTags(model: string): Promise<Readonly<Record<string, string>>>;
  setModelTag(model: string, key: string, value: string): Promise<void>;
  /** Idempotent. */
  removeModelTag(model: string, key: string): Promise<void>;
  findAlias(model: string, alias: Alias): Promise<RegisteredVersion | undefined>;
  setAlias(model: string, alias: Alias, version: string): Promise<void>;
  removeAlias(model: string, alias: Alias): Promise<void>;
  setVersionTags(model: string, version: string, tags: Readonly<Record<string, string>>): Promise<void>;
  /** Idempotent. */
  removeVersionTag(model: string, version: string, key: string): Promise<void>;
}

export type Alias = 'candidate' | 'champion' | 'previous';
export type RunStatus = 'FINISHED' | 'FAILED' | 'KILLED';

export interface Tag {
  readonly key: string;
  readonly value: string;
}

export interface RunToOpen {
  readonly experiment: string;
  readonly name: string;
  readonly key: Tag;
  readonly parentRunId?: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface FinishedRun {
  readonly runId: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface VersionToRegister {
  readonly model: string;
  readonly runId: string;
  readonly weights: { readonly uri: string; readonly digest: string };
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface RegisteredModel {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Maps each alias to its version. */
  readonly aliases: Readonly<Record<string, string>>;
}

export interface RegisteredVersion {
  readonly version: string;
  readonly weights: { readonly uri: string; readonly digest: string };
}

export interface TaggedVersion {
  readonly version: string;
  /** Undefined for a version that Tuneline did not register. */
  readonly weights?: { readonly uri: string; readonly digest: string };
  readonly tags: Readonly<Record<string, string>>;
}

/** The tag of a registered model that holds the release record of one endpoint, a ServingState as JSON. */
export const recordTag = (endpoint: string): string => `${recordPrefix}${endpoint}`;
export const recordPrefix = 'tuneline.release.';

/** The names of our tags in MLflow. Lineage is read from these tags. */
export const tags = {
  workflowId: 'tuneline.workflow_id',
  executionKey: 'tuneline.execution',
  job: 'tuneline.job',
  stage: 'tuneline.stage',
  stageDigest: 'tuneline.stage_digest',
  outcome: 'tuneline.outcome',
  failure: 'tuneline.failure',
  /** The OpenTelemetry trace that the run is part of. */
  traceId: 'tuneline.trace_id',
  because: 'tuneline.because',
  verdict: 'tuneline.verdict',
  reviewer: 'tuneline.reviewer',
  reviewComment: 'tuneline.review_comment',
  reviewDigest: 'tuneline.review_digest',
  /** On a run: the outcome of the review. On a model version: the whole review, as JSON. */
  review: 'tuneline.review',
  codeRevision: 'tuneline.code_revision',
  codeDigest: 'tuneline.code_digest',
  data: 'tuneline.data',
  dataDigest: 'tuneline.data_digest',
  datasetDigest: 'tuneline.dataset_digest',
  promptVersion: 'tuneline.prompt_version',
  baseModel: 'tuneline.base_model',
  baseModelDigest: 'tuneline.base_model_digest',
  /** Digest of the settings that determine the result: `digestOfSettings`. */
  specDigest: 'tuneline.spec_digest',
  evidenceDigest: 'tuneline.evidence_digest',
  weightsDigest: 'tuneline.weights_digest',
  weightsUri: 'tuneline.weights_uri',
  endpoint: 'tuneline.endpoint',
  /** The terms under which a version can be released again: ReleaseTerms as JSON. */
  releaseTerms: 'tuneline.release_terms',
  /** The reason why an endpoint refused a version or rolled it back; removed once the version is promoted. */
  refused: 'tuneline.refused',
  /** On the run that keeps the observations of a release: the endpoint and the release's ID. */
  monitoring: 'tuneline.monitoring',
  /** The time at which the Job's artifacts were removed; a run with this tag is not reused. */
  removed: 'tuneline.artifacts_removed',
} as const;
