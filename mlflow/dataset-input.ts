import { type Tag, fromPairs } from './tags.ts';

/** A data set that a run read. */
export interface DatasetInput {
  readonly name: string;
  /** The full digest: `sha256:` and 64 hex digits. */
  readonly digest: string;
  /** The location of the data. */
  readonly uri: string;
  /** The use in the run, such as `training` or `evaluation`. */
  readonly context: string;
  readonly rows?: number;
}

export interface WireInput {
  readonly tags?: readonly Tag[];
  readonly dataset?: {
    readonly name?: string;
    readonly digest?: string;
    readonly source_type?: string;
    readonly source?: string;
    readonly profile?: string;
  };
}

/** MLflow's column for a digest holds 36 characters. 36 hex digits still have 144 bits. */
const DIGEST_CHARACTERS = 36;
const DIGEST_TAG = 'tuneline.dataset_digest';
const CONTEXT_TAG = 'mlflow.data.context';

export function toWireInput({ name, digest, uri, context, rows }: DatasetInput): WireInput {
  return {
    tags: [
      { key: CONTEXT_TAG, value: context },
      { key: DIGEST_TAG, value: digest },
    ],
    dataset: {
      name,
      digest: digest.slice(digest.indexOf(':') + 1, digest.indexOf(':') + 1 + DIGEST_CHARACTERS),
      source_type: sourceType(uri),
      source: JSON.stringify({ uri }),
      ...(rows === undefined ? {} : { profile: JSON.stringify({ num_rows: rows }) }),
    },
  };
}

/** Also reads inputs that other tools logged. They have MLflow's short digest, and no URI if their source has none. */
export function toDatasetInput({ tags: pairs, dataset }: WireInput): DatasetInput {
  const tags = fromPairs(pairs);
  const { uri } = parseObject(dataset?.source);
  const { num_rows: rows } = parseObject(dataset?.profile);
  return {
    name: dataset?.name ?? '',
    digest: tags[DIGEST_TAG] ?? dataset?.digest ?? '',
    uri: typeof uri === 'string' ? uri : '',
    context: tags[CONTEXT_TAG] ?? '',
    ...(typeof rows === 'number' ? { rows } : {}),
  };
}

/** MLflow's name for a type of source that its library can open by URI. */
function sourceType(uri: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase();
  return scheme === undefined || scheme === 'file' ? 'local' : scheme;
}

function parseObject(text = '{}'): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
