import type { LifecycleInputs } from '../../domain/lifecycle/lifecycle.ts';
import { artifact } from './artifacts.ts';

export const inputs = (change: Partial<LifecycleInputs> = {}): LifecycleInputs => ({
  runId: 'parent-run',
  data: artifact('data'),
  baseModel: artifact('base'),
  prompt: { name: 'summarize', version: '1', template: 'Summarize: {{description}}' },
  codeDigest: artifact('code').digest,
  codeRevision: 'abc123',
  ...change,
});
