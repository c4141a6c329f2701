import type { Artifact } from './job/job.ts';

/** Stores data, weights and reports; MLflow keeps only their URIs and digests. */
export interface ArtifactStore {
  /** Returns a URI in this store. The file or folder need not exist yet. */
  uriOf(...path: readonly string[]): string;
  exists(uri: string): Promise<boolean>;
  readText(uri: string): Promise<string>;
  /** Yields one line at a time, because a file can be larger than memory. The caller may stop early. */
  readLines(uri: string): AsyncIterable<string>;
  /**
   * For a file: its SHA-256. For a folder: a digest of the names and digests of all its files, the same as `jobs/`
   * computes.
   */
  digest(uri: string): Promise<string>;
  /**
   * Copies a file or a folder under a name with its digest, so that later changes to the original have no effect.
   * Idempotent.
   */
  keep(uri: string): Promise<Artifact>;
  /** Returns the same as `keep`, but copies nothing. */
  wouldKeep(uri: string): Promise<Artifact>;
  /**
   * Removes a file or a folder with all its contents, and returns its size in bytes. Refuses a URI outside this store.
   * Idempotent.
   */
  remove(uri: string): Promise<number>;
}
