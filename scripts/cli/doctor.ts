import { inspectCluster } from '../../k8s/doctor.ts';
import { inspectConsole } from '../../k8s/doctor/console.ts';
import type { Finding } from '../../k8s/doctor/finding.ts';
import { inspectServing } from '../../k8s/doctor/serving.ts';
import type { JobPlacement } from '../../k8s/manifests/job.ts';
import { SetupError } from '../../local/setup-error.ts';
import type { Config } from '../../workers/config.ts';
import { connect, placementOf } from '../../workers/kubernetes.ts';
import { releasePlacementOf } from '../../workers/kubernetes-releases.ts';
import { connectMlflow } from './connect.ts';
import { inspectStorage, inspectTokens } from './doctor/files.ts';
import { inspectTemporal } from './doctor/temporal.ts';

/** Checks every part that lifecycles need, as configured. A fault is a finding, never an error. */
export async function diagnose(config: Config): Promise<Finding[]> {
  const parts = {
    Temporal: inspectTemporal,
    MLflow: inspectMlflow,
    storage: inspectStorage,
    'console tokens': inspectTokens,
    Kubernetes: inspectKubernetes,
  };
  const findings = await Promise.all(
    Object.entries(parts).map(([what, inspect]) =>
      inspect(config).catch((error: unknown): Finding[] => [broken(what, error)]),
    ),
  );
  return findings.flat();
}

/** Shows a line for each finding, and a second line with the remedy for each fault. */
export function showFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ what }) => what.length)) + 4;
  const block = (text: string): string => text.replaceAll('\n', `\n${' '.repeat(width)}`);
  return findings
    .map(
      ({ what, ok, detail, remedy }) =>
        `${ok ? '✓' : '✗'} ${what.padEnd(width - 2)}${block(detail)}\n${ok || !remedy ? '' : `${' '.repeat(width)}to do: ${block(remedy)}\n`}`,
    )
    .join('');
}

/** Throws a `SetupError` if the cluster can run no Job. Returns the faults that may pass by themselves. */
export async function ensureCluster(placement: JobPlacement): Promise<Finding[]> {
  const wrong = (await inspectCluster(connect(), placement)).filter(({ ok }) => !ok);
  const final = wrong.filter(({ mayPass }) => !mayPass);
  if (final.length > 0)
    throw new SetupError(
      `Jobs can't run on the cluster yet; nothing was started.\n${showFindings(final)}hint: "scripts/tuneline doctor --kubernetes" looks again.`,
    );
  return wrong;
}

async function inspectMlflow(config: Config): Promise<Finding[]> {
  const { trackingUri, embedded } = config.mlflow;
  const what = 'MLflow';
  try {
    const { version } = await connectMlflow(config).health();
    return [{ what, ok: true, detail: `${version} at ${trackingUri}` }];
  } catch (error) {
    return [
      {
        what,
        ok: false,
        detail: (error as Error).message,
        remedy: embedded
          ? 'scripts/tuneline up'
          : 'check MLFLOW_TRACKING_URI, and MLFLOW_TRACKING_TOKEN or user name and password',
      },
    ];
  }
}

async function inspectKubernetes(config: Config): Promise<Finding[]> {
  const placement = placementOf(config);
  if (!placement) return [];
  const cluster = connect();
  const releases = releasePlacementOf(config, placement);
  const findings = await inspectCluster(cluster, placement);
  if (!findings[0]?.ok) return findings;
  return [
    ...findings,
    ...(releases ? await inspectServing(cluster, releases) : []),
    ...(await inspectConsole(cluster, placement.namespace)),
  ];
}

/** Takes the remedy from after `hint:` in the error message, where there is one. */
function broken(what: string, error: unknown): Finding {
  const message = error instanceof Error ? error.message : String(error);
  const [
    detail = '',
    remedy = `README.md, "${what === 'Kubernetes' ? 'On Kubernetes' : 'How it works'}", has the settings`,
  ] = message.split('\nhint: ');
  return { what, ok: false, detail, remedy };
}
