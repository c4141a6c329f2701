import { digestOf, h, section, svg } from './dom.js';

/**
 * @typedef {import('../workers/console/views.ts').LineageView} Lineage
 * @typedef {Lineage['nodes'][number]} Node
 */

const [nodeWidth, nodeHeight, laneGap, rowGap] = [196, 58, 22, 44];

/**
 * In which row and lane each thing stands: what is made stands below what it is made of, and the way from the evidence on leads to the right.
 * @type {Record<Node['kind'], readonly [row: number, lane: number]>}
 */
const places = {
  data: [0, 0],
  prompt: [0, 1],
  'base model': [0, 2],
  code: [0, 3],
  dataset: [1, 0.5],
  run: [1, 3],
  champion: [2, 1.5],
  weights: [2, 3],
  evidence: [3, 0],
  review: [3, 1],
  version: [3, 2],
  endpoint: [3, 3],
};

/** From the source data to the endpoint: drawn, and as a list. @param {Lineage} lineage */
export function showLineage({ nodes, edges }) {
  return section(
    'lineage',
    'Lineage',
    h('div', { class: 'scroll card', tabindex: 0, role: 'group', 'aria-label': 'Lineage, drawn' }, draw(nodes, edges)),
    h(
      'details',
      {},
      h('summary', {}, 'As a list, with digests'),
      h(
        'ul',
        { class: 'lineage' },
        nodes.map((node) => {
          const sources = edges.filter(({ to }) => to === node.kind).map(({ from }) => from);
          return h(
            'li',
            {},
            h('strong', {}, node.kind),
            ` ${titleOf(node)} `,
            node.digest ? digestOf(node.digest) : null,
            sources.length > 0 ? h('span', { class: 'quiet' }, ` from ${sources.join(', ')}`) : null,
          );
        }),
      ),
    ),
  );
}

/** @param {readonly Node[]} nodes @param {Lineage['edges']} edges */
function draw(nodes, edges) {
  const rows = Math.max(...nodes.map(({ kind }) => places[kind][0])) + 1;
  const [width, height] = [4 * (nodeWidth + laneGap) - laneGap, rows * (nodeHeight + rowGap) - rowGap];
  return svg(
    'svg',
    {
      viewBox: `-1 -1 ${width + 2} ${height + 2}`,
      width: width + 2,
      height: height + 2,
      class: 'graph',
      role: 'img',
      'aria-label': `${nodes.length} things from source data to endpoint; the list below has the same`,
    },
    edges.map(({ from, to }) => svg('path', { class: 'edge', d: pathOf(from, to) })),
    nodes.map(drawNode),
  );
}

/** @param {Node['kind']} kind */
const cornerOf = (kind) => ({ x: places[kind][1] * (nodeWidth + laneGap), y: places[kind][0] * (nodeHeight + rowGap) });

/** From foot to head, or within a row from side to side. @param {Node['kind']} from @param {Node['kind']} to */
function pathOf(from, to) {
  const [a, b] = [cornerOf(from), cornerOf(to)];
  if (a.y === b.y) return `M${a.x + nodeWidth} ${a.y + nodeHeight / 2}L${b.x} ${b.y + nodeHeight / 2}`;
  const [x1, y1, x2, y2] = [a.x + nodeWidth / 2, a.y + nodeHeight, b.x + nodeWidth / 2, b.y];
  const middle = (y1 + y2) / 2;
  return `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`;
}

/** @param {Node} node */
function drawNode(node) {
  const { x, y } = cornerOf(node.kind);
  const title = titleOf(node);
  return svg(
    'g',
    { class: `node ${node.kind.replace(' ', '-')}` },
    svg('title', {}, [node.kind, title, node.digest].filter(Boolean).join(', ')),
    svg('rect', { x, y, width: nodeWidth, height: nodeHeight, rx: 6 }),
    svg('text', { class: 'kind', x: x + 10, y: y + 16 }, node.kind),
    title ? svg('text', { class: 'title', x: x + 10, y: y + 33 }, short(title, 20)) : null,
    node.digest
      ? svg(
          'text',
          { class: 'digest', x: x + 10, y: y + (title ? 49 : 33) },
          node.digest.replace(/^sha256:/, '').slice(0, 12),
        )
      : null,
  );
}

/** What only a digest tells apart has no other name. @param {Node} node */
const titleOf = ({ kind, name }) => (name === kind ? '' : name);

/** @param {string} text @param {number} most */
const short = (text, most) => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);
