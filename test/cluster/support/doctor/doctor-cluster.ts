import {
  KubeConfig,
  RbacAuthorizationV1Api,
  SchedulingV1Api,
  StorageV1Api,
  type V1PersistentVolumeClaimSpec,
  type V1PolicyRule,
} from '@kubernetes/client-node';
import { afterAll, beforeAll } from '@jest/globals';
import { connectCluster, type Cluster as Connection } from '../../../../k8s/client.ts';
import { inspectCluster } from '../../../../k8s/doctor.ts';
import type { Finding } from '../../../../k8s/doctor/finding.ts';
import type { JobPlacement } from '../../../../k8s/manifests/job.ts';
import { givenKubeconfig, startCluster, startTimeoutMs, type Cluster } from '../cluster.ts';
import { createKueueObject, createLocalQueue } from '../kueue-objects.ts';
import { namespace, prepared } from './settings.ts';

export const report = (message: string): void => void process.stderr.write(`${message}\n`);
export function load({ kubeconfigPath }: Cluster): KubeConfig {
  const loaded = new KubeConfig();
  loaded.loadFromFile(kubeconfigPath);
  return loaded;
}

export type DoctorCluster = ReturnType<typeof openDoctorCluster>;

/** One cluster for all tests of a file, with everything that `prepared` names. Its properties are there in hooks and tests. */
export function openDoctorCluster() {
  let cluster: Cluster;
  let config: KubeConfig;
  let connection: Connection;
  beforeAll(async () => {
    if (givenKubeconfig) return;
    cluster = await startCluster({ report, gpuNodes: 2, gpusPerNode: 8, withKueue: true });
    config = load(cluster);
    connection = connectCluster(config);
    await connection.core.createNamespace({ body: { metadata: { name: namespace } } });
    await config
      .makeApiClient(SchedulingV1Api)
      .createPriorityClass({ body: { metadata: { name: 'low' }, value: -10 } });
    await config.makeApiClient(StorageV1Api).createStorageClass({
      body: {
        metadata: { name: 'later' },
        provisioner: 'kubernetes.io/no-provisioner',
        volumeBindingMode: 'WaitForFirstConsumer',
      },
    });
    const storage = {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteMany'],
      storageClassName: 'here',
      hostPath: { path: '/storage' },
    };
    await connection.core.createPersistentVolume({ body: { metadata: { name: 'storage' }, spec: storage } });
    await claim('storage', { storageClassName: 'here' });
    await createLocalQueue(connection, namespace, 'jobs', namespace);
    await createLocalQueue(connection, namespace, 'orphan', 'nothing');
    await createKueueObject(connection, 'ResourceFlavor', 'resourceflavors', { metadata: { name: 'gpus' } });
    const quota = [
      {
        coveredResources: ['nvidia.com/gpu'],
        flavors: [{ name: 'gpus', resources: [{ name: 'nvidia.com/gpu', nominalQuota: 8 }] }],
      },
    ];
    await createKueueObject(connection, 'ClusterQueue', 'clusterqueues', {
      metadata: { name: namespace },
      spec: { namespaceSelector: {}, resourceGroups: quota },
    });
  }, startTimeoutMs);
  afterAll(() => cluster?.stop());

  const claim = (name: string, spec: V1PersistentVolumeClaimSpec) =>
    connection.core.createNamespacedPersistentVolumeClaim({
      namespace,
      body: {
        metadata: { name },
        spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } }, ...spec },
      },
    });

  /** The findings that are not well. */
  const wrong = async (change: Partial<JobPlacement> = {}, as = connection): Promise<Finding[]> =>
    (await inspectCluster(as, { ...prepared, ...change })).filter(({ ok }) => !ok);

  /** The cluster as an account sees it that may do so much in the namespace. */
  async function accountWith(name: string, rules: V1PolicyRule[]): Promise<Connection> {
    const rbac = config.makeApiClient(RbacAuthorizationV1Api);
    await connection.core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
    await rbac.createNamespacedRole({ namespace, body: { metadata: { name }, rules } });
    await rbac.createNamespacedRoleBinding({
      namespace,
      body: {
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace }],
      },
    });
    const { status } = await connection.core.createNamespacedServiceAccountToken({
      name,
      namespace,
      body: { spec: { audiences: [] } },
    });
    return connectCluster(withToken(status?.token ?? ''));
  }

  function withToken(
    token: string,
    server = config.getCurrentCluster()?.server ?? '',
    more: { skipTLSVerify?: boolean } = {},
  ): KubeConfig {
    const current = config.getCurrentCluster();
    if (!current) throw new Error('the cluster has an address');
    const given = new KubeConfig();
    given.loadFromClusterAndUser({ ...current, server, ...more }, { name: 'given', token });
    return given;
  }

  return {
    get config() {
      return config;
    },
    get connection() {
      return connection;
    },
    get kubeconfigPath() {
      return cluster.kubeconfigPath;
    },
    ...{ claim, wrong, accountWith, withToken },
  };
}
