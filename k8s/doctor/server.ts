import { setTimeout as delay } from 'node:timers/promises';
import { VersionApi } from '@kubernetes/client-node';
import { statusOf, type Cluster } from '../client.ts';
import type { JobPlacement } from '../manifests/job.ts';
import { hidden, see, type Finding } from './finding.ts';

export async function inspectServer({ kubeConfig }: Cluster, answerWithinMs: number): Promise<Finding> {
  const what = 'Kubernetes';
  const address = kubeConfig.getCurrentCluster()?.server ?? '';
  const silence = delay(answerWithinMs, undefined, { ref: false }).then(() =>
    Promise.reject(new Error(`no answer within ${answerWithinMs / 1000} s`)),
  );
  try {
    const { gitVersion } = await Promise.race([kubeConfig.makeApiClient(VersionApi).getCode(), silence]);
    return { what, ok: true, detail: `${gitVersion} at ${address}` };
  } catch (error) {
    const reason = statusOf(error) === undefined ? reasonOf(error) : `it answered ${statusOf(error)}`;
    return {
      what,
      ok: false,
      detail: `the API server at ${address} can't be asked: ${reason}`,
      remedy: 'check KUBECONFIG, and whether its credentials still hold; "kubectl version" should name the server',
    };
  }
}

export async function inspectNamespace({ core }: Cluster, { namespace }: JobPlacement): Promise<Finding> {
  const what = 'namespace';
  const seen = await see(core.readNamespace({ name: namespace }));
  if (seen === 'hidden') return hidden(what, namespace);
  if (seen === 'missing')
    return {
      what,
      ok: false,
      detail: `${namespace} does not exist`,
      remedy: '"kubectl apply -k k8s/install" makes the namespace tuneline; TUNELINE_NAMESPACE names another',
    };
  if (seen.status?.phase === 'Terminating')
    return {
      what,
      ok: false,
      detail: `${namespace} is being deleted`,
      remedy: 'wait until it is deleted, then create it again',
    };
  return { what, ok: true, detail: namespace };
}

/** A failed connection has its reason in the error's cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as { readonly cause?: { readonly message?: string }; readonly message?: string };
  return cause?.message ?? message ?? String(error);
}
