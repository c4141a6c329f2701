import type { Components } from '../components.ts';
import { buildManager, startManager, type Manager } from './managers.ts';
import type { BuildOptions } from '../programs.ts';

const manager: Manager = {
  name: 'jobset',
  title: 'JobSet',
  version: '0.10.1',
  sum: 'h1:u8QKifNsrWVrlRFe6w2ofYTqFT9ma2DRHxfeB2m9xyU=',
  main: '.',
  takes: 'two minutes',
};

export const buildJobSet = (options: BuildOptions): Promise<string> => buildManager(manager, options);

/** Resolves once it makes Jobs of JobSets. */
export const startJobSet = (
  components: Components,
  { jobSet, kubeconfigPath }: { readonly jobSet: string; readonly kubeconfigPath: string },
): Promise<void> =>
  startManager(components, {
    name: manager.name,
    built: jobSet,
    kubeconfigPath,
    webhooksOf: ['jobset.x-k8s.io'],
    configuration: { apiVersion: 'config.jobset.x-k8s.io/v1alpha1', internalCertManagement: { enable: false } },
  });
