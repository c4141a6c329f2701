import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KubeConfig, loadAllYaml, RbacAuthorizationV1Api, type V1Role } from '@kubernetes/client-node';
import { connectCluster, type Cluster as Connection } from '../../../k8s/client.ts';
import { repository } from '../../support/stack.ts';
import { until } from '../../support/until.ts';

/** An account that may do, wherever it likes, what the installed Role lets the worker do in its namespace. */
export async function workerByRole(admin: Connection, account: string): Promise<Connection> {
  const rbac = admin.kubeConfig.makeApiClient(RbacAuthorizationV1Api);
  const objects = loadAllYaml(
    await readFile(join(repository, 'k8s', 'install', 'jobs', 'account.yaml'), 'utf8'),
  ) as V1Role[];
  await rbac.createClusterRole({
    body: { metadata: { name: account }, rules: objects.find(({ kind }) => kind === 'Role')?.rules ?? [] },
  });
  const subjects = [{ kind: 'ServiceAccount', name: account, namespace: 'default' }];
  await rbac.createClusterRoleBinding({
    body: {
      metadata: { name: account },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: account },
      subjects,
    },
  });
  await admin.core.createNamespacedServiceAccount({ namespace: 'default', body: { metadata: { name: account } } });
  const { status } = await admin.core.createNamespacedServiceAccountToken({
    namespace: 'default',
    name: account,
    body: { spec: { audiences: [] } },
  });
  const server = admin.kubeConfig.getCurrentCluster();
  if (!server) throw new Error('the cluster has an address');
  const given = new KubeConfig();
  given.loadFromClusterAndUser(server, { name: account, token: status?.token ?? '' });
  const connection = connectCluster(given);
  await until(() =>
    connection.batch.listJobForAllNamespaces().then(
      () => true,
      () => false,
    ),
  );
  return connection;
}
