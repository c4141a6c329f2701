import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { Components } from '../components.ts';
import { buildManager, startManager, type Manager } from './managers.ts';
import type { BuildOptions } from '../programs.ts';

const manager: Manager = {
  name: 'kueue',
  title: 'Kueue',
  version: '0.14.0',
  sum: 'h1:lDR34L42/k17opLfkZbZ+taymLaPpryj3ZBbvKqs/N4=',
  main: './cmd/kueue',
  takes: 'four minutes',
};

export const buildKueue = (options: BuildOptions): Promise<string> => buildManager(manager, options);

export interface KueueOptions {
  /** From `buildKueue`. */
  readonly kueue: string;
  readonly kubeconfigPath: string;
  /** Whether JobSets, which the cluster then has to serve, wait in its queues, too. */
  readonly jobSets: boolean;
}

/** Resolves once it admits Jobs. */
export async function startKueue(
  components: Components,
  { kueue, kubeconfigPath, jobSets }: KueueOptions,
): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  const core = config.makeApiClient(CoreV1Api);
  // It does not start without the Secret that it fills with certificates, which are not used here.
  await core.createNamespace({ body: { metadata: { name: 'kueue-system' } } });
  await core.createNamespacedSecret({
    namespace: 'kueue-system',
    body: { metadata: { name: 'kueue-webhook-server-cert' } },
  });
  await startManager(components, {
    name: manager.name,
    built: kueue,
    kubeconfigPath,
    webhooksOf: ['batch', 'kueue.x-k8s.io', ...(jobSets ? ['jobset.x-k8s.io'] : [])],
    configuration: {
      apiVersion: 'config.kueue.x-k8s.io/v1beta1',
      integrations: { frameworks: ['batch/job', ...(jobSets ? ['jobset.x-k8s.io/jobset'] : [])] },
      // It would listen on a fixed port.
      featureGates: { VisibilityOnDemand: false },
    },
  });
}
