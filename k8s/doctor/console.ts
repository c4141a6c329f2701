import { AppsV1Api } from '@kubernetes/client-node';
import { parseTokens, reviewersOf } from '../../domain/review/access-tokens.ts';
import type { Cluster } from '../client.ts';
import { hidden, see, type Finding } from './finding.ts';

/** The names that `k8s/install/console.yaml` uses. */
const installed = { deployment: 'console', secret: 'tuneline-tokens', key: 'tokens.json' } as const;

/**
 * Checks that reviewers can sign in to the namespace's console. Returns no finding without a console. Changes nothing.
 */
export async function inspectConsole({ core, kubeConfig }: Cluster, namespace: string): Promise<Finding[]> {
  const { deployment, secret, key } = installed;
  const what = 'console tokens';
  const running = await see(
    kubeConfig.makeApiClient(AppsV1Api).readNamespacedDeployment({ namespace, name: deployment }),
  );
  if (running === 'missing') return [];
  const seen = running === 'hidden' ? running : await see(core.readNamespacedSecret({ namespace, name: secret }));
  if (seen === 'hidden') return [hidden(what, `the Secret ${secret}`)];
  const remedy = `TUNELINE_TOKENS=${key} scripts/tuneline token create NAME --role reviewer\nkubectl -n ${namespace} create secret generic ${secret} --from-file=${key} --dry-run=client -o yaml | kubectl apply -f -`;
  const wrong = (detail: string): Finding[] => [{ what, ok: false, detail, remedy }];
  if (seen === 'missing')
    return wrong(`there is no Secret ${secret} in ${namespace}: nobody can sign in to the console`);
  const data = seen.data?.[key];
  if (data === undefined) return wrong(`the Secret ${secret} has no key ${key}: nobody can sign in to the console`);
  const tokens = parseTokens(Buffer.from(data, 'base64').toString('utf8'));
  if (!tokens) return wrong(`${key} in the Secret ${secret} is no tokens file: the console answers nobody`);
  const reviewers = reviewersOf(tokens);
  if (reviewers.length === 0) return wrong(`the Secret ${secret} has no token of a reviewer: nobody may decide`);
  return [{ what, ok: true, detail: `the Secret ${secret}, reviewers: ${reviewers.join(', ')}` }];
}
