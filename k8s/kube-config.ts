import { KubeConfig } from '@kubernetes/client-node';

/** By the rules of kubectl: KUBECONFIG, the file in the home folder, or the pod's own account. Undefined where there is none. */
export function loadKubeConfig(): KubeConfig | undefined {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  // What the client makes up where it found nothing.
  const madeUp = kubeConfig.getCurrentCluster()?.server === 'http://localhost:8080';
  return madeUp ? undefined : kubeConfig;
}
