import { tags as tagNames } from './tracking.ts';

/** A model version as the registry has it. */
export interface RegisteredFacts {
  readonly name: string;
  readonly version: string;
  readonly runId: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly aliases: readonly string[];
}

export type LineageKind = 'data' | 'prompt' | 'base model' | 'code' | 'dataset' | 'run' | 'weights' | 'evidence' | 'review' | 'version' | 'endpoint';

/** What a model version came from and where it went. One node of each kind, in the order of things. */
export interface Lineage {
  readonly nodes: readonly LineageNode[];
  readonly edges: readonly { readonly from: LineageKind; readonly to: LineageKind }[];
}

export interface LineageNode {
  readonly kind: LineageKind;
  readonly name: string;
  readonly digest?: string;
}

const edges: readonly (readonly [LineageKind, LineageKind])[] = [
  ['data', 'dataset'],
  ['prompt', 'dataset'],
  ['base model', 'run'],
  ['code', 'run'],
  ['dataset', 'run'],
  ['run', 'weights'],
  ['weights', 'evidence'],
  ['dataset', 'evidence'],
  ['evidence', 'review'],
  ['review', 'version'],
  ['version', 'endpoint'],
];

/** From the version's tags alone; what they don't say is left out, with its edges. */
export function lineageOf({ name, version, runId, tags, aliases }: RegisteredFacts): Lineage {
  const tag = (key: keyof typeof tagNames): string | undefined => tags[tagNames[key]];
  const node = (kind: LineageKind, called: string | undefined, digest?: string): LineageNode[] =>
    called === undefined && digest === undefined ? [] : [{ kind, name: called ?? kind, ...(digest === undefined ? {} : { digest }) }];
  const reviewer = tag('reviewer');
  const nodes = [
    ...node('data', tag('data'), tag('dataDigest')),
    ...node('prompt', tag('promptVersion')),
    ...node('base model', tag('baseModel'), tag('baseModelDigest')),
    ...node('code', tag('codeRevision'), tag('codeDigest')),
    ...node('dataset', undefined, tag('datasetDigest')),
    ...node('run', runId || undefined),
    ...node('weights', tag('weightsUri'), tag('weightsDigest')),
    ...node('evidence', undefined, tag('evidenceDigest')),
    ...node('review', reviewer === undefined ? undefined : `approved by ${reviewer}`, tag('reviewDigest')),
    ...node('version', `${name}/${version}${aliases.length > 0 ? ` (${aliases.join(', ')})` : ''}`),
    ...node('endpoint', tag('endpoint')),
  ];
  const has = (kind: LineageKind): boolean => nodes.some((n) => n.kind === kind);
  return { nodes, edges: edges.filter(([from, to]) => has(from) && has(to)).map(([from, to]) => ({ from, to })) };
}

/** One line for each, with what it came from. */
export function showLineage({ nodes, edges: all }: Lineage): string {
  const width = Math.max(...nodes.map(({ kind }) => kind.length)) + 2;
  return nodes
    .map(({ kind, name, digest }) => {
      const sources = all.filter(({ to }) => to === kind).map(({ from }) => from);
      const words = [...(name === kind ? [] : [name]), ...(digest === undefined ? [] : [digest]), ...(sources.length === 0 ? [] : [`<- ${sources.join(', ')}`])];
      return `${kind.padEnd(width)}${words.join('  ')}`;
    })
    .join('\n');
}
