import { AppsV1Api } from '@kubernetes/client-node';
import { expect } from '@jest/globals';
import type { DoctorCluster } from './doctor-cluster.ts';

/** The Deployment alone: the doctor looks for tokens where it finds one. */
export async function deployConsole({ config }: DoctorCluster, namespace: string): Promise<void> {
  const labels = { app: 'console' };
  const spec = {
    replicas: 0,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'console', image: 'worker' }] } },
  };
  await config
    .makeApiClient(AppsV1Api)
    .createNamespacedDeployment({ namespace, body: { metadata: { name: 'console' }, spec } });
}

/** Puts this text in the place of the tokens file in the Secret. */
export const replaceTokens = ({ connection }: DoctorCluster, namespace: string, text: string) =>
  connection.core.replaceNamespacedSecret({
    namespace,
    name: 'tuneline-tokens',
    body: { metadata: { name: 'tuneline-tokens' }, stringData: { 'tokens.json': text } },
  });

/** A tokens file with one token, whose holder has this role. */
export const tokenOf = (role: string): string =>
  JSON.stringify([{ name: 'grace', roles: [role], sha256: '0'.repeat(64), createdAt: '2026-01-01T00:00:00Z' }]);

/** The finding of a console whose tokens are not as they must be, with the commands that make them. */
export const missingTokens = (namespace: string, detail: string) => ({
  what: 'console tokens',
  ok: false,
  detail,
  remedy: expect.stringMatching(
    new RegExp(
      `token create NAME --role reviewer\nkubectl -n ${namespace} create secret generic tuneline-tokens --from-file=tokens.json `,
    ),
  ),
});
