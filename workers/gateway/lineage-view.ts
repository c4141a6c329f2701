import type { LifecycleRecord } from './history.ts';
import type { LineageNode, LineageView } from './views.ts';

/** From the source data to the endpoint, as far as the lifecycle has come; each thing with the digest that fixes it. */
export function viewLineage({ spec, inputs, champion, stages, gate, decisions, version, endpoint }: LifecycleRecord): LineageView {
  const output = (name: string) => stages.findLast(({ outputs }) => outputs[name])?.outputs[name];
  const [dataset, model, evidence] = [output('dataset'), output('model'), output('evidence')];
  const decision = decisions.at(-1);
  const found: readonly (LineageNode | undefined)[] = [
    inputs && { id: 'data', kind: 'source data', title: nameOf(inputs.data.uri), digest: inputs.data.digest, column: 0 },
    inputs && { id: 'prompt', kind: 'prompt', title: `${inputs.prompt.name} version ${inputs.prompt.version}`, column: 0 },
    inputs && { id: 'base', kind: 'base model', title: spec?.baseModel ?? nameOf(inputs.baseModel.uri), digest: inputs.baseModel.digest, column: 0 },
    inputs && { id: 'code', kind: 'code', title: inputs.codeRevision, digest: inputs.codeDigest, column: 0 },
    dataset && { id: 'dataset', kind: 'data set', title: 'prepared and split', digest: dataset.digest, column: 1 },
    champion && { id: 'champion', kind: 'champion', title: `${spec?.model ?? 'model'} version ${champion.version}`, digest: champion.weights.digest, column: 2 },
    model && { id: 'candidate', kind: 'candidate', title: spec ? `tuned by ${spec.tune.method}` : 'tuned', digest: model.digest, column: 2 },
    evidence && { id: 'evidence', kind: 'evidence', title: gate ? `gate ${gate.passed ? 'passed' : 'failed'}` : 'not judged yet', digest: evidence.digest, column: 3 },
    decision && { id: 'decision', kind: 'decision', title: `${decision.decision} by ${decision.reviewer}`, column: 4 },
    version === undefined ? undefined : { id: 'version', kind: 'model version', title: `${spec?.model ?? 'model'} version ${version}`, column: 5 },
    endpoint === undefined ? undefined : { id: 'endpoint', kind: 'endpoint', title: endpoint, column: 6 },
  ];
  const nodes = found.filter((node) => node !== undefined);
  const ids = new Set(nodes.map(({ id }) => id));
  return { nodes, edges: edges(ids.has('decision')).filter(([from, to]) => ids.has(from) && ids.has(to)) };
}

const edges = (isDecided: boolean): readonly (readonly [string, string])[] => [
  ['data', 'dataset'],
  ['prompt', 'dataset'],
  ['dataset', 'candidate'],
  ['base', 'candidate'],
  ['code', 'candidate'],
  ['champion', 'evidence'],
  ['candidate', 'evidence'],
  ['dataset', 'evidence'],
  ['base', 'evidence'],
  ...(isDecided ? ([['evidence', 'decision'], ['decision', 'version']] as const) : ([['evidence', 'version']] as const)),
  ['version', 'endpoint'],
];

/** Without the folders of the machine it lies on. */
const nameOf = (uri: string): string => decodeURIComponent(uri.split('/').at(-1) ?? uri);
