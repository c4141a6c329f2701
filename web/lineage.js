import { digestOf, h, section, svg } from './dom.js';

/**
 * @typedef {import('../workers/gateway/views.ts').LineageView} Lineage
 * @typedef {import('../workers/gateway/views.ts').LineageNode} Node
 */

const [nodeWidth, nodeHeight, columnGap, rowGap] = [176, 58, 44, 16];

/** From the source data to the endpoint: drawn, and as a list. @param {Lineage} lineage */
export function showLineage({ nodes, edges }) {
  const titles = new Map(nodes.map((node) => [node.id, `${node.kind} ${node.title}`]));
  return section('lineage', 'Lineage',
    h('div', { class: 'scroll card', tabindex: 0, role: 'group', 'aria-label': 'Lineage, drawn' }, draw(nodes, edges)),
    h('details', {}, h('summary', {}, 'As a list, with digests'),
      h('ul', { class: 'lineage' }, nodes.map((node) => {
        const from = edges.filter(([, to]) => to === node.id).map(([id]) => titles.get(id));
        return h('li', {}, h('strong', {}, node.kind), ` ${node.title} `, node.digest ? digestOf(node.digest) : null, from.length > 0 ? h('span', { class: 'quiet' }, ` from ${from.join(', ')}`) : null);
      }))));
}

/** @param {readonly Node[]} nodes @param {Lineage['edges']} edges */
function draw(nodes, edges) {
  const columns = [...new Set(nodes.map(({ column }) => column))].sort((a, b) => a - b);
  const rows = Math.max(...columns.map((column) => nodes.filter((node) => node.column === column).length));
  const [width, height] = [columns.length * (nodeWidth + columnGap) - columnGap, rows * (nodeHeight + rowGap) - rowGap];
  const places = new Map(nodes.map((node) => {
    const beside = nodes.filter(({ column }) => column === node.column);
    const air = (height - (beside.length * (nodeHeight + rowGap) - rowGap)) / 2;
    return [node.id, { x: columns.indexOf(node.column) * (nodeWidth + columnGap), y: air + beside.indexOf(node) * (nodeHeight + rowGap) }];
  }));
  return svg('svg', { viewBox: `-1 -1 ${width + 2} ${height + 2}`, width: width + 2, height: height + 2, class: 'graph', role: 'img', 'aria-label': `${nodes.length} things from source data to endpoint; the list below has the same` },
    edges.map(([from, to]) => {
      const [a, b] = [places.get(from), places.get(to)];
      if (!a || !b) return null;
      const [x1, y1, x2, y2] = [a.x + nodeWidth, a.y + nodeHeight / 2, b.x, b.y + nodeHeight / 2];
      return svg('path', { class: 'edge', d: `M${x1} ${y1}C${x1 + columnGap / 2} ${y1} ${x2 - columnGap / 2} ${y2} ${x2} ${y2}` });
    }),
    nodes.map((node) => {
      const { x, y } = places.get(node.id) ?? { x: 0, y: 0 };
      return svg('g', { class: `node ${node.id}` },
        svg('title', {}, `${node.kind}: ${node.title}${node.digest ? `, ${node.digest}` : ''}`),
        svg('rect', { x, y, width: nodeWidth, height: nodeHeight, rx: 6 }),
        svg('text', { class: 'kind', x: x + 10, y: y + 16 }, node.kind),
        svg('text', { class: 'title', x: x + 10, y: y + 33 }, short(node.title, 20)),
        node.digest ? svg('text', { class: 'digest', x: x + 10, y: y + 49 }, node.digest.replace(/^sha256:/, '').slice(0, 12)) : null);
    }));
}

/** @param {string} text @param {number} most */
const short = (text, most) => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);
