import { factsOfLifecycle, type LifecycleDone } from '../../domain/lineage/lineage-facts.ts';
import { lineageOf, type LineageKind } from '../../domain/lineage/lineage.ts';
import type { LineageView } from './views.ts';

export function viewLineage(done: LifecycleDone): LineageView {
  const { nodes, edges } = lineageOf(factsOfLifecycle(done));
  return { nodes: nodes.map((node) => (isPath.has(node.kind) ? { ...node, name: nameOf(node.name) } : node)), edges };
}

const isPath: ReadonlySet<LineageKind> = new Set(['data', 'weights']);

/** The file name, without the folders of the machine. */
const nameOf = (path: string): string => path.split('/').at(-1) || path;
