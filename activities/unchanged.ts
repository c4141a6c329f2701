import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { LifecycleSpec } from '../domain/lifecycle-spec.ts';
import { tags } from '../domain/tracking.ts';
import { digestOfSettings, isUnchanged, type Origins } from '../domain/unchanged.ts';
import type { Dependencies } from './dependencies.ts';
import { digestOfReference, must, resolveBaseModel, resolveData, resolveFile, resolveHarnessTasks } from './references.ts';

export function createUnchangedActivities({ tracking, artifacts, workspace }: Pick<Dependencies, 'tracking' | 'artifacts' | 'workspace'>) {
  async function originsNow(spec: LifecycleSpec): Promise<Origins> {
    const { codeDigest, cluster: { gpusPerNode = 0 } = {} } = workspace;
    const [data, baseModel, prompt, tasks] = await Promise.all([
      resolveData(spec.data.path, workspace),
      resolveBaseModel(spec.baseModel, workspace),
      resolveFile(spec.prompt.path, 'prompt.path', workspace),
      resolveHarnessTasks(spec, workspace),
    ]);
    // Kept, as the lifecycle itself keeps them: what Python leaves in the folder is not counted.
    const harnessTasks = tasks && (await artifacts.keep(must(tasks)));
    return {
      data: await digestOfReference(must(data), artifacts),
      'base model': await digestOfReference(must(baseModel), artifacts),
      code: codeDigest,
      prompt: (await readFile(fileURLToPath(must(prompt)), 'utf8')).trimEnd(),
      settings: digestOfSettings(spec, { ...(harnessTasks ? { harnessTasks } : {}), ...(gpusPerNode > 1 ? { gpusPerNode } : {}) }),
    };
  }

  async function originsOf(version: Readonly<Record<string, string>>): Promise<Partial<Origins>> {
    const [name = '', promptVersion = ''] = version[tags.promptVersion]?.split('/') ?? [];
    const known = {
      data: version[tags.dataDigest],
      'base model': version[tags.baseModelDigest],
      code: version[tags.codeDigest],
      prompt: await tracking.readPrompt(name, promptVersion),
      settings: version[tags.specDigest],
    };
    return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
  }

  return {
    /** The champion's version, if it came from just what the spec names now, under the same settings. Changes nothing in MLflow. */
    async findUnchanged(spec: LifecycleSpec): Promise<string | undefined> {
      const version = await tracking.aliasVersion(spec.model, 'champion');
      const champion = version === undefined ? undefined : await tracking.readVersion(spec.model, version);
      if (!champion) return undefined;
      return isUnchanged(await originsOf(champion.tags), await originsNow(spec)) ? champion.version : undefined;
    },
  };
}
