/** What activities need of the tracking server and registry; `mlflow/` implements it. */
export interface Tracking {
  /** Idempotent: one run for each `key`, however often it is asked for. */
  openRun(run: RunToOpen): Promise<string>;
  /** The newest finished run of the experiment that carries the tag. */
  findFinishedRun(experiment: string, tag: Tag): Promise<FinishedRun | undefined>;
  setTags(runId: string, tags: Readonly<Record<string, string>>): Promise<void>;
  putText(runId: string, path: string, text: string): Promise<void>;
  /** Undefined where the run has no such artifact. */
  readText(runId: string, path: string): Promise<string | undefined>;
  /** Idempotent: the same figures of the same step and time are there once. */
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
  /** The version that `registerPrompt` would answer; undefined where it would make one. */
  findPrompt(name: string, template: string): Promise<string | undefined>;
  /** The text of a prompt version as the registry has it now; undefined where there is none. */
  readPrompt(name: string, version: string): Promise<string | undefined>;
  /** Idempotent: one version for each weights digest; its tags are brought up to date. */
  registerVersion(version: VersionToRegister): Promise<string>;
  /** Undefined where there is none. */
  readVersion(model: string, version: string): Promise<TaggedVersion | undefined>;
  /** Those that carry all these tags, the oldest first; none where the model is absent. */
  findVersions(model: string, tags: Readonly<Record<string, string>>): Promise<readonly TaggedVersion[]>;
  /** Which version the alias names, whoever registered it. */
  aliasVersion(model: string, alias: Alias): Promise<string | undefined>;
  /** All that are registered. */
  listModels(): Promise<readonly RegisteredModel[]>;
  /** None where the model is absent. */
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
  /** Version by alias. */
  readonly aliases: Readonly<Record<string, string>>;
}

export interface RegisteredVersion {
  readonly version: string;
  readonly weights: { readonly uri: string; readonly digest: string };
}

export interface TaggedVersion {
  readonly version: string;
  /** Undefined for a version that other hands registered. */
  readonly weights?: { readonly uri: string; readonly digest: string };
  readonly tags: Readonly<Record<string, string>>;
}

/** Of a registered model: the release record of one endpoint, a ServingState as JSON. */
export const recordTag = (endpoint: string): string => `${recordPrefix}${endpoint}`;
export const recordPrefix = 'tuneline.release.';

/** Our tags in MLflow, in one place: they are how lineage is read back. */
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
  /** The outcome on the run; on the model version all of it, as JSON. */
  review: 'tuneline.review',
  codeRevision: 'tuneline.code_revision',
  codeDigest: 'tuneline.code_digest',
  data: 'tuneline.data',
  dataDigest: 'tuneline.data_digest',
  datasetDigest: 'tuneline.dataset_digest',
  promptVersion: 'tuneline.prompt_version',
  baseModel: 'tuneline.base_model',
  baseModelDigest: 'tuneline.base_model_digest',
  /** Over the settings that decide what comes out: `digestOfSettings`. */
  specDigest: 'tuneline.spec_digest',
  evidenceDigest: 'tuneline.evidence_digest',
  weightsDigest: 'tuneline.weights_digest',
  weightsUri: 'tuneline.weights_uri',
  endpoint: 'tuneline.endpoint',
  /** What a version needs to be released again: ReleaseTerms as JSON. */
  releaseTerms: 'tuneline.release_terms',
  /** Why an endpoint did not take a version, or went back from it; gone once it is promoted. */
  refused: 'tuneline.refused',
  /** Of the run that holds what was seen of a release: the endpoint and the release's ID. */
  monitoring: 'tuneline.monitoring',
  /** When what the Job wrote was removed: nothing of it is reused any more. */
  removed: 'tuneline.artifacts_removed',
} as const;
