import type { Release, Share } from '../../domain/endpoint/release.ts';
import type { Candidate } from '../../domain/endpoint/roll-out.ts';
import type { LifecycleSpecInput } from '../../domain/spec/lifecycle-spec.ts';
import { artifact } from './artifacts.ts';
import { aSpec } from './specs.ts';

export const releaseOf = (version: string, change: Partial<Release> = {}): Release => ({
  endpoint: 'summaries',
  model: 'summaries',
  version,
  weights: artifact(`weights ${version}`),
  prompt: { name: 'summarize', version: '1' },
  ...change,
});

export const candidateOf = (
  change: Partial<Release> & { readonly version: string },
  deploy: Partial<LifecycleSpecInput['deploy']> = {},
  spec: Partial<LifecycleSpecInput> = {},
): Candidate => ({
  release: releaseOf(change.version, change),
  terms: {
    spec: aSpec({ ...spec, deploy: { endpoint: change.endpoint ?? 'summaries', ...deploy } }),
    dataset: artifact('dataset'),
    runId: 'parent-run',
  },
});

export const shareOf = (version: string, percent: number, change: Partial<Release> = {}): Share => ({
  release: releaseOf(version, change),
  percent,
});
