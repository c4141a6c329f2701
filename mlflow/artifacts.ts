import { artifactPath } from './artifact-path.ts';
import { type Client } from './client.ts';
import { MlflowError } from './errors.ts';
import { type Runs } from './runs.ts';

export interface ArtifactEntry {
  /** Relative to the run's artifact folder, with slashes. */
  readonly path: string;
  readonly isDirectory: boolean;
  readonly sizeBytes: number;
}

/**
 * Small files of a run, through MLflow's own proxy, so that no storage credential is needed here. Weights do not use
 * the proxy, because a gigabyte takes minutes (mlflow#22665). Paths are relative to the run's artifact folder. A path
 * that could leave it throws `rejected`. So does a run whose artifacts are not behind the proxy.
 */
export interface Artifacts {
  /** Idempotent: replaces an artifact with the same path. */
  put(runId: string, path: string, content: string | Uint8Array): Promise<void>;
  /** Throws `notFound`. */
  get(runId: string, path: string): Promise<Uint8Array>;
  /** Lists one level of the folder, or of the root without a folder. Empty if nothing is there. */
  list(runId: string, folder?: string): Promise<ArtifactEntry[]>;
}

interface WireListing {
  readonly files?: readonly { readonly path?: string; readonly is_dir?: boolean; readonly file_size?: number }[];
  readonly next_page_token?: string;
}

const PROXY = '/api/2.0/mlflow-artifacts/artifacts';

export function createArtifacts(client: Client, runs: Pick<Runs, 'get'>): Artifacts {
  async function locate(runId: string, path: string): Promise<string> {
    const inside = artifactPath(path);
    const { artifactUri } = await runs.get(runId);
    const scheme = artifactUri.split(':', 1)[0] ?? '';
    if (scheme !== 'mlflow-artifacts') {
      throw new MlflowError(
        'rejected',
        `run ${runId} keeps its artifacts in ${scheme} storage, not behind MLflow's proxy; ` +
          'hint: start mlflow server with --serve-artifacts, and use a new experiment',
      );
    }
    return `${PROXY}${new URL(artifactUri).pathname}/${inside}`;
  }

  return {
    async put(runId, path, content) {
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      await client.upload(await locate(runId, path), bytes);
    },
    async get(runId, path) {
      return client.download(await locate(runId, path));
    },
    async list(runId, folder) {
      if (folder !== undefined) artifactPath(folder);
      const entries: ArtifactEntry[] = [];
      let pageToken: string | undefined;
      do {
        const fields = { run_id: runId, path: folder, page_token: pageToken };
        const page: WireListing = await client.json<WireListing>('GET', '/artifacts/list', fields);
        for (const { path = '', is_dir: isDirectory = false, file_size: sizeBytes = 0 } of page.files ?? []) {
          entries.push({ path, isDirectory, sizeBytes });
        }
        pageToken = page.next_page_token;
      } while (pageToken !== undefined && pageToken !== '');
      return entries;
    },
  };
}
