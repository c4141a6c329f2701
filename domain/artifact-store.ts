import type { Artifact } from './job/job.ts';

/** Where data, weights and reports live; MLflow keeps only their URIs and digests. */
export interface ArtifactStore {
  /** A URI under this store, for something that may not exist yet. */
  uriOf(...path: readonly string[]): string;
  exists(uri: string): Promise<boolean>;
  readText(uri: string): Promise<string>;
  /** One after the other, for a file that is larger than memory; whoever has enough may stop. */
  readLines(uri: string): AsyncIterable<string>;
  /** Of a file its SHA-256; of a folder one over the names and digests of all files in it, as `jobs/` makes it. */
  digest(uri: string): Promise<string>;
  /** A copy of a file or a folder as it is now, named by its digest: whoever changes it later changes nothing. Idempotent. */
  keep(uri: string): Promise<Artifact>;
  /** What `keep` would answer; keeps nothing. */
  wouldKeep(uri: string): Promise<Artifact>;
  /** Removes a file or a folder with all in it, and says how many bytes it held. Refuses what lies outside this store. Idempotent. */
  remove(uri: string): Promise<number>;
}
