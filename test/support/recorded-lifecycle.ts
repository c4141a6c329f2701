import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createEndpointActivities } from '../../activities/endpoint.ts';
import { createEvidenceActivities } from '../../activities/evidence.ts';
import { createRecordActivities } from '../../activities/lifecycle-record.ts';
import { createReleaseActivities } from '../../activities/releases.ts';
import { createReviewActivities } from '../../activities/reviews.ts';
import { createSpecActivities } from '../../activities/check-spec.ts';
import { digestOfDataset, digestOfText } from '../../domain/digest.ts';
import type { StageSpec, StageTracking } from '../../domain/job/job-request.ts';
import { jobStages, type JobStage } from '../../domain/job/stages.ts';
import type { LifecycleSpecInput } from '../../domain/spec/lifecycle-spec.ts';
import type { ReleaseReply, ReleaseRequest } from '../../domain/endpoint/roll-out.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import { createLocalArtifactStore } from '../../local/artifact-store.ts';
import type { Mlflow } from '../../mlflow/index.ts';
import { createTracking } from '../../mlflow/tracking.ts';
import { fakeEndpointHost } from '../builders/endpoint-host.ts';
import { fakeActivities } from '../builders/activities.ts';
import { artifact } from '../builders/artifacts.ts';
import { between, evidenceOf } from '../builders/evidence.ts';
import { releaseOf } from '../builders/releases.ts';
import { specInput } from '../builders/specs.ts';
import { promotedReply, type LifecycleHandle, type LifecycleLab } from '../workflows/lifecycle-lab.ts';

export interface RecordedLifecycle {
  readonly lab: LifecycleLab;
  readonly mlflow: Mlflow;
  /** Where data, prompt and artifacts lie. */
  readonly root: string;
  readonly spec?: Partial<LifecycleSpecInput>;
  readonly during: (handle: LifecycleHandle) => Promise<unknown>;
}

const columns = '{"description": "Lists files.", "synopsis": "ls"}\n';

/** A lifecycle whose records are all real; only its Jobs write files of a line, and its endpoint serves nobody. */
export async function recordLifecycle({ lab, mlflow, root, spec: given, during }: RecordedLifecycle): Promise<string> {
  await writeFile(join(root, 'data.jsonl'), columns);
  await writeFile(join(root, 'prompt.txt'), 'Summarize: {{description}}');
  const artifacts = createLocalArtifactStore(root);
  const tracking = createTracking(mlflow);
  const workspace = { root, models: join(root, 'models'), codeDigest: artifact('code').digest, codeRevision: 'abc123' };
  const files: Readonly<Record<JobStage, readonly [string, string]>> = {
    explore: ['profile.json', '{}'],
    prepare: ['heldout.jsonl', '{"prompt": "Summarize: Lists files."}'],
    tune: ['model.safetensors', 'weights'],
    evaluate: ['evidence.json', ''],
  };
  const { activities, argumentsOf } = fakeActivities({
    ...createSpecActivities({ workspace }),
    ...createRecordActivities({ tracking, artifacts, workspace }),
    ...createEvidenceActivities({ artifacts }),
    ...createReviewActivities({ tracking, artifacts, workspace }),
    ...createReleaseActivities({ tracking, artifacts }),
    async runJob({ identity, spec: jobSpec, tracking: record }) {
      const spec = jobSpec as StageSpec;
      const { stage } = spec;
      const folder = join(root, identity.workflowId, stage);
      await mkdir(folder, { recursive: true });
      const [name] = jobStages[stage].outputs;
      const [fileName, text] = files[stage];
      const file = join(folder, fileName);
      await writeFile(file, spec.stage === 'evaluate' ? evidenceFor(spec) : text);
      if (stage === 'evaluate') await logEvidence(mlflow, file, record);
      const { href: uri } = pathToFileURL(stage === 'evaluate' ? file : folder);
      const digest = stage === 'prepare' ? await writeTraining(folder, text) : await artifacts.digest(uri);
      return { outcome: { kind: 'succeeded', outputs: { [name]: { uri, digest } }, figures: {} }, reused: false };
    },
  });
  const endpoint = createEndpointActivities({
    tracking,
    artifacts,
    endpoints: fakeEndpointHost(),
    endpointQueue: { ask: () => Promise.resolve(), withdraw: () => Promise.resolve() },
  });
  // As its endpoint does at the end of a roll-out.
  const serveRegistered = async (request: ReleaseRequest): Promise<ReleaseReply> => {
    const [{ weights }] = argumentsOf('registerVersion').at(-1) ?? [{ weights: artifact('none') }];
    const release = releaseOf(request.version ?? '', { endpoint: request.endpoint, model: request.model, weights });
    await endpoint.applyServingState({ endpoint: request.endpoint, next: { champion: release }, before: {} });
    return promotedReply(request, release);
  };
  const run = async (handle: LifecycleHandle): Promise<string> => {
    await during(handle);
    return handle.workflowId;
  };
  return lab.run(activities, specInput(given), run, serveRegistered);
}

/** The other half of a data set, and the digest of the whole. */
async function writeTraining(folder: string, heldOut: string): Promise<string> {
  await writeFile(join(folder, 'train.jsonl'), columns);
  return digestOfDataset(digestOfText(columns), digestOfText(heldOut));
}

function evidenceFor({ dataset, models }: Extract<StageSpec, { stage: 'evaluate' }>): string {
  const measured = evidenceOf({ candidate: { bleu: between(9, 11) } });
  const digest = models.find(({ role }) => role === 'candidate')?.digest ?? '';
  return JSON.stringify({
    ...measured,
    dataset: { ...measured.dataset, digest: dataset.digest },
    models: { candidate: { ...measured.models.candidate, digest } },
  });
}

/** As the evaluate stage does in its run. */
async function logEvidence(mlflow: Mlflow, file: string, record: StageTracking | undefined): Promise<void> {
  const experimentId = await mlflow.experiments.ensure(record?.experiment ?? '');
  const { runId } = await mlflow.runs.open({
    experimentId,
    name: 'evaluate',
    idempotencyTag: { key: tags.job, value: file },
    tags: { [tags.stage]: 'evaluate' },
  });
  await mlflow.artifacts.put(runId, 'evidence.json', await readFile(file));
}
