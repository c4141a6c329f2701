import { KubeConfig } from '@kubernetes/client-node';

/**
 * Loads the kubeconfig at the path. Without a path, follows kubectl's rules: KUBECONFIG, the file in the home folder,
 * or the pod's own account. Undefined if none is found.
 */
export function loadKubeConfig(path?: string): KubeConfig | undefined {
  const kubeConfig = new KubeConfig();
  if (path === undefined) kubeConfig.loadFromDefault();
  else kubeConfig.loadFromFile(path);
  // The client falls back to this address if it finds no configuration.
  const madeUp = kubeConfig.getCurrentCluster()?.server === 'http://localhost:8080';
  return madeUp ? undefined : kubeConfig;
}
