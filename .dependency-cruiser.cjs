/** Who may import what. The table stands in CONTRIBUTING.md. */
const layer = (name, allowed, packages = []) => ({
  name: `${name} imports only what it may`,
  comment: `${name}/ may import ${[...allowed, ...packages].join(', ') || 'nothing'}; move the code, or pass what it needs as an argument.`,
  severity: 'error',
  from: { path: `^${name}/` },
  to: {
    pathNot: [`^${name}/`, ...allowed.map((a) => `^${a}/`), ...packages.map((p) => `^node_modules/${p}/`)],
    dependencyTypesNot: ['core'],
  },
});

const tracing = { path: '^node_modules/(@opentelemetry|@temporalio/interceptors-opentelemetry)/' };
const traces = '^workers/tracing/(start|temporal|requests|job-span)\\.ts$';

module.exports = {
  forbidden: [
    layer('domain', [], ['zod', 'croner', 'fastest-levenshtein']),
    {
      ...layer('workflows', ['domain'], ['@temporalio/workflow', '@temporalio/common']),
      to: {
        pathNot: ['^workflows/', '^domain/', '^node_modules/@temporalio/(workflow|common)/', tracing.path],
        dependencyTypesNot: ['type-only'],
      },
    },
    layer('activities', ['domain'], ['@temporalio/activity']),
    layer('k8s', ['domain'], ['@kubernetes/client-node', 'undici']),
    layer('serving', ['domain'], ['fastify', 'prom-client', 'undici']),
    layer('local', ['domain', 'serving'], ['fastify']),
    layer('mlflow', ['domain']),
    {
      name: 'pages know only themselves',
      comment: 'A browser loads web/ as it is; of the console they know the types of its answers.',
      severity: 'error',
      from: { path: '^web/' },
      to: { pathNot: '^web/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'workers import neither tests nor scripts',
      severity: 'error',
      from: { path: '^workers/' },
      to: { path: '^(test|scripts)/' },
    },
    // The benchmark of Jobs starts the tests' cluster, for it measures on a control plane and needs nothing of it to be real but that.
    {
      name: 'nothing imports tests',
      severity: 'error',
      from: { pathNot: ['^test/', '^scripts/bench/'] },
      to: { path: '^test/' },
    },
    {
      name: 'only k8s knows Kubernetes',
      comment: 'Everyone else goes through the JobRunner and EndpointHost interfaces of domain/.',
      severity: 'error',
      from: { pathNot: '^(k8s|test)/' },
      to: { path: '^node_modules/@kubernetes/' },
    },
    {
      name: 'domain and workflows do no I/O',
      comment: 'A decision gets what it needs as an argument; only hashing is a pure part of Node.',
      severity: 'error',
      from: { path: '^(domain|workflows)/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'only what traces knows OpenTelemetry',
      comment: 'Everyone else goes through the Tracing of workers/tracing/tracing.ts.',
      severity: 'error',
      from: { pathNot: [traces, '^workflows/trace-interceptors\\.ts$', '^test/'] },
      to: tracing,
    },
    {
      name: 'what traces is loaded where tracing is on',
      comment:
        'workers/tracing/open.ts imports start.ts when there is a collector; what is imported before is paid for by everyone.',
      severity: 'error',
      from: { pathNot: [traces, '^test/'] },
      to: { path: traces, dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no workflow traces itself',
      comment: 'The bundle of a worker that does not trace would hold it.',
      severity: 'error',
      from: { path: '^workflows/', pathNot: '^workflows/trace-interceptors\\.ts$' },
      to: { path: '^workflows/trace-interceptors\\.ts$' },
    },
    { name: 'no cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no unresolved imports', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
