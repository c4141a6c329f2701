/** The test suites: what `npm test`, `npm run test:deep` and CI run. CONTRIBUTING.md has the same table for people. */
export interface Suite {
  readonly name: string;
  /** `default` runs with `npm test`, the others with `npm run test:deep`, by this name or by the suite's own. */
  readonly group: 'default' | 'faults' | 'cluster' | 'e2e';
  /** Two suites run at a time, one of each lane: one that keeps a core busy beside one that mostly waits. */
  readonly lane: 'computes' | 'waits';
  /** The arguments of Jest: paths, and flags. */
  readonly jest?: readonly string[] | undefined;
  /** The arguments of pytest, for a suite without `jest`. */
  readonly pytest?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** On two cores, once everything is built. CI plans with it. */
  readonly seconds: number;
  /** Programs that it builds from source where this machine has not built them before. */
  readonly builds?: readonly Program[] | undefined;
  /** CI runs this suite first when files under these paths changed. */
  readonly sources: readonly string[];
}

/** What each program takes to build on two cores, in seconds. */
export const buildSeconds = { cluster: 600, jobset: 120, kueue: 150, kserve: 120, promtool: 60 } as const;
export type Program = keyof typeof buildSeconds;

/** In `npm test`, Jest leaves these out: they have suites of their own. */
const deepFolders = '/test/(e2e|cluster|faults)/';

const product = ['domain/', 'workflows/', 'activities/', 'workers/', 'local/', 'mlflow/', 'serving/', 'jobs/'];
const ofJobs = ['k8s/', 'domain/job', 'workers/jobs/', 'test/cluster/'];
const ofReleases = ['k8s/', 'serving/', 'domain/endpoint/', 'test/cluster/'];

/** Jest is told to exit: connections to a cluster that other suites go on using would hold it. */
const cluster = (name: string, seconds: number, builds: readonly Program[], sources: readonly string[]): Suite => ({
  name,
  group: 'cluster',
  lane: 'waits',
  jest: ['--forceExit', `test/cluster/${name}.test`],
  seconds,
  builds: ['cluster', ...builds],
  sources,
});

export const suites: readonly Suite[] = [
  {
    name: 'python',
    group: 'default',
    lane: 'waits',
    pytest: ['-n', '2', '--dist', 'loadfile'],
    seconds: 150,
    sources: [],
  },
  { name: 'lifecycle', group: 'default', lane: 'waits', jest: ['test/e2e/lifecycle.test'], seconds: 250, sources: [] },
  {
    name: 'unit',
    group: 'default',
    lane: 'computes',
    jest: ['--testPathIgnorePatterns', deepFolders],
    seconds: 300,
    sources: [],
  },
  {
    name: 'faults',
    group: 'default',
    lane: 'computes',
    jest: ['test/faults'],
    env: { TUNELINE_SEEDS: '300' },
    seconds: 60,
    sources: [],
  },

  {
    name: 'many-faults',
    group: 'faults',
    lane: 'computes',
    jest: ['test/faults'],
    env: { TUNELINE_SEEDS: '2000' },
    seconds: 130,
    sources: ['k8s/', 'workers/', 'domain/', 'test/faults/'],
  },
  {
    name: 'python-deep',
    group: 'faults',
    lane: 'computes',
    pytest: ['-m', 'deep'],
    seconds: 60,
    sources: ['jobs/'],
  },
  {
    name: 'gate-errors',
    group: 'e2e',
    lane: 'computes',
    jest: ['test/e2e/gate-errors.test'],
    seconds: 30,
    sources: ['domain/gate', 'jobs/'],
  },

  cluster('control-plane', 20, [], ['test/cluster/']),
  cluster('job-runner', 60, [], ofJobs),
  cluster('disruption', 90, [], ofJobs),
  cluster('lease', 15, ['kueue', 'jobset'], ofJobs),
  cluster('thousand-jobs', 165, [], ofJobs),
  cluster('real-node', 120, [], [...ofJobs, 'jobs/']),
  cluster('doctor', 30, ['kueue'], ['k8s/', 'scripts/']),
  cluster('kueue', 25, ['kueue'], ofJobs),
  cluster('job-set', 40, ['kueue', 'jobset'], ofJobs),
  cluster('job-set-queue', 10, ['kueue', 'jobset'], ofJobs),
  cluster('install', 40, [], ['k8s/install/', 'workers/']),
  cluster('console', 60, [], ['k8s/install/', 'workers/', 'web/']),
  cluster('endpoint-host', 40, ['kueue', 'jobset'], ofReleases),
  cluster('endpoint-gateway', 15, [], ofReleases),
  cluster('kserve', 70, ['kserve'], ofReleases),
  cluster('real-release', 225, [], ofReleases),
  cluster('alerts', 30, ['promtool'], ['examples/monitoring/', 'workers/metrics/']),

  {
    name: 'example',
    group: 'e2e',
    lane: 'computes',
    jest: ['test/e2e/example.test'],
    seconds: 360,
    sources: [...product, 'scripts/', 'examples/'],
  },
  {
    name: 'recovery',
    group: 'e2e',
    lane: 'computes',
    jest: ['test/e2e/recovery.test'],
    seconds: 300,
    sources: product,
  },
  {
    name: 'roll-out',
    group: 'e2e',
    lane: 'computes',
    jest: ['test/e2e/roll-out.test'],
    seconds: 140,
    sources: ['workflows/', 'serving/', 'local/', 'domain/', 'activities/'],
  },
  {
    name: 'reviewed',
    group: 'e2e',
    lane: 'computes',
    jest: ['test/e2e/console.test'],
    seconds: 80,
    sources: ['web/', 'workers/'],
  },
  {
    name: 'compressed',
    group: 'e2e',
    lane: 'computes',
    jest: ['test/e2e/compressed.test'],
    seconds: 245,
    sources: ['jobs/', 'domain/gate'],
  },
  {
    name: 'drift',
    group: 'e2e',
    lane: 'waits',
    jest: ['test/e2e/drift.test'],
    seconds: 700,
    sources: ['domain/monitoring', 'workflows/monitor', 'scripts/demo'],
  },
  {
    name: 'kubernetes',
    group: 'e2e',
    lane: 'waits',
    jest: ['test/e2e/kubernetes.test'],
    seconds: 400,
    builds: ['cluster'],
    sources: ['k8s/', 'jobs/', 'workers/'],
  },
];
