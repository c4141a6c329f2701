import type { LifecycleSpec } from '../domain/spec/lifecycle-spec.ts';
import { tags } from '../domain/lineage/tracking.ts';
import {
  digestOfSettings,
  isUnchanged,
  refusedBefore,
  type Origins,
  type RefusedBefore,
} from '../domain/lifecycle/unchanged.ts';
import type { Dependencies } from './dependencies.ts';
import { readInputs } from './inputs.ts';

export function createUnchangedActivities({
  tracking,
  artifacts,
  workspace,
}: Pick<Dependencies, 'tracking' | 'artifacts' | 'workspace'>) {
  async function originsNow(spec: LifecycleSpec): Promise<Origins> {
    // This check copies and registers nothing, because the lifecycle may not run.
    const { data, baseModel, codeDigest, prompt, harnessTasks, gpusPerNode } = await readInputs(spec, workspace, {
      copied: (uri) => artifacts.wouldKeep(uri),
      digest: (uri) => artifacts.digest(uri),
      promptVersion: () => Promise.resolve(''),
    });
    return {
      data: data.digest,
      'base model': baseModel.digest,
      code: codeDigest,
      prompt: prompt.template,
      settings: digestOfSettings(spec, { harnessTasks, gpusPerNode }),
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
    /**
     * Returns the champion's version if it has the same inputs and settings as the spec now. Otherwise returns the
     * newest such version that an endpoint refused, if any. Changes nothing in MLflow.
     */
    async findUnchanged(spec: LifecycleSpec): Promise<string | RefusedBefore | undefined> {
      const now = await originsNow(spec);
      const alike = await tracking.findVersions(spec.model, {
        [tags.specDigest]: now.settings,
        [tags.dataDigest]: now.data,
      });
      const same = [];
      for (const version of alike.toReversed()) if (isUnchanged(await originsOf(version.tags), now)) same.push(version);
      const champion = await tracking.aliasVersion(spec.model, 'champion');
      if (same.some(({ version }) => version === champion)) return champion;
      const [newest] = same;
      const refusal = newest?.tags[tags.refused];
      return newest && refusal !== undefined ? refusedBefore(newest.version, refusal) : undefined;
    },
  };
}
