/** A model version in the form that the registry returns. */
export interface RegisteredFacts {
  readonly name: string;
  readonly version: string;
  readonly runId: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly aliases: readonly string[];
}

/** In the order in which a lifecycle makes them. */
const kinds = [
  'data',
  'prompt',
  'base model',
  'code',
  'dataset',
  'run',
  'champion',
  'weights',
  'evidence',
  'review',
  'version',
  'endpoint',
] as const;
export type LineageKind = (typeof kinds)[number];

/**
 * The facts of each kind; `domain/lineage/lineage-facts.ts` reads them from a model version's tags or from a lifecycle.
 */
export type LineageFacts = Readonly<
  Partial<Record<LineageKind, { readonly name?: string | undefined; readonly digest?: string | undefined }>>
>;

/** The sources of a candidate and what was made from it. At most one node of each kind, in the order of `kinds`. */
export interface Lineage {
  readonly nodes: readonly LineageNode[];
  readonly edges: readonly { readonly from: LineageKind; readonly to: LineageKind }[];
}

export interface LineageNode {
  readonly kind: LineageKind;
  /** Equals `kind` if only a digest is known. */
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
  ['base model', 'evidence'],
  ['dataset', 'evidence'],
  ['champion', 'evidence'],
  ['weights', 'evidence'],
  ['evidence', 'review'],
  ['review', 'version'],
  ['version', 'endpoint'],
];

/** Omits every kind without facts, with its edges. */
export function lineageOf(facts: LineageFacts): Lineage {
  const nodes = kinds.flatMap((kind): LineageNode[] => {
    const { name, digest } = facts[kind] ?? {};
    return name === undefined && digest === undefined ? [] : [{ kind, name: name ?? kind, digest }];
  });
  const has = (kind: LineageKind): boolean => nodes.some((node) => node.kind === kind);
  return { nodes, edges: edges.filter(([from, to]) => has(from) && has(to)).map(([from, to]) => ({ from, to })) };
}

/** One line for each node, with its sources. */
export function showLineage({ nodes, edges: all }: Lineage): string {
  const width = Math.max(...nodes.map(({ kind }) => kind.length)) + 2;
  return nodes
    .map(({ kind, name, digest }) => {
      const sources = all.filter(({ to }) => to === kind).map(({ from }) => from);
      const words = [
        ...(name === kind ? [] : [name]),
        ...(digest === undefined ? [] : [digest]),
        ...(sources.length === 0 ? [] : [`<- ${sources.join(', ')}`]),
      ];
      return `${kind.padEnd(width)}${words.join('  ')}`;
    })
    .join('\n');
}
