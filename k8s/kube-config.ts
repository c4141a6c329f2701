import { KubeConfig } from '@kubernetes/client-node';

/** By the rules of kubectl, unless a path is given: KUBECONFIG, the file in the home folder, or the pod's own account. Undefined where there is none. */
export function loadKubeConfig(path?: string): KubeConfig | undefined {
  const kubeConfig = new KubeConfig();
  if (path === undefined) kubeConfig.loadFromDefault();
  else kubeConfig.loadFromFile(path);
  // What the client makes up where it found nothing.
  const madeUp = kubeConfig.getCurrentCluster()?.server === 'http://localhost:8080';
  return madeUp ? undefined : kubeConfig;
}
