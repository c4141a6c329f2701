import type { Dependencies } from '../../activities/dependencies.ts';
import { type EndpointHost, type Release, releaseId, type Share } from '../../domain/endpoint/release.ts';
import type { ReleaseTerms } from '../../domain/endpoint/roll-out.ts';
import { recordTag, tags, type Alias, type Tracking } from '../../domain/lineage/tracking.ts';
import { artifact, fakeArtifacts } from '../builders/artifacts.ts';
import { aSpec } from '../builders/specs.ts';
import { disagreements } from '../support/agreement.ts';
import type { Random } from './faults.ts';

/** What the versions of a world's model are; only the first three passed a gate. */
export const versions = ['1', '2', '3', 'forged', 'bare'] as const;
const approved = ['1', '2', '3'];

/**
 * One endpoint with its model in a registry, in memory. Any call may fail, before it had its effect or after; a crash of
 * the endpoint loses the releases that had no traffic. Every change is held against what must hold at all times.
 */
export class EndpointWorld {
  readonly name: string;
  readonly #random: Random;
  readonly #versions = new Map<string, Record<string, string>>();
  readonly #aliases = new Map<string, string>();
  readonly #modelTags = new Map<string, string>();
  readonly #running = new Map<string, Release>();
  #shares: readonly Share[] = [];
  /** Sentences: what was broken. */
  readonly broken: string[] = [];
  /** From now on nothing fails. */
  calm = false;

  constructor(name: string, random: Random) {
    this.name = name;
    this.#random = random;
    for (const version of versions) this.#versions.set(version, this.#tagsOf(version));
  }

  #tagsOf(version: string): Record<string, string> {
    const spec = aSpec({
      model: this.name,
      deploy: { endpoint: this.name, canary: { steps: [20, 60], bakeSeconds: 0.05 } },
    });
    const terms = { spec, dataset: artifact('dataset'), runId: 'run' } satisfies ReleaseTerms;
    if (version === 'bare') return {};
    return {
      [tags.weightsUri]: artifact(`weights ${version}`).uri,
      [tags.weightsDigest]: artifact(`weights ${version}`).digest,
      [tags.promptVersion]: 'summarize/1',
      [tags.releaseTerms]: JSON.stringify(terms),
      ...(approved.includes(version) ? { [tags.verdict]: 'gate passed', [tags.evidenceDigest]: 'sha256:e' } : {}),
    };
  }

  /** As a person does it in MLflow's UI. */
  setChampionByHand(version: string): void {
    this.#aliases.set('champion', version);
  }

  readonly tracking = this.#faulty({
    readVersion: (_model: string, version: string) => {
      const found = this.#versions.get(version);
      if (!found) return undefined;
      const [uri, digest] = [found[tags.weightsUri], found[tags.weightsDigest]];
      return { version, tags: found, ...(uri && digest ? { weights: { uri, digest } } : {}) };
    },
    aliasVersion: (_model: string, alias: Alias) => this.#aliases.get(alias),
    modelTags: () => Object.fromEntries(this.#modelTags),
    setModelTag: (_model: string, key: string, value: string) => void this.#modelTags.set(key, value),
    removeModelTag: (_model: string, key: string) => void this.#modelTags.delete(key),
    setAlias: (_model: string, alias: Alias, version: string) => {
      if (alias === 'champion' && !approved.includes(version))
        this.broken.push(`champion was made to name ${version}, which no gate passed`);
      this.#aliases.set(alias, version);
    },
    removeAlias: (_model: string, alias: Alias) => void this.#aliases.delete(alias),
    setVersionTags: (_model: string, version: string, added: Record<string, string>) =>
      void Object.assign(this.#versions.get(version) ?? {}, added),
    removeVersionTag: (_model: string, version: string, key: string) => {
      const known = this.#versions.get(version);
      if (known)
        this.#versions.set(version, Object.fromEntries(Object.entries(known).filter(([name]) => name !== key)));
    },
    readPrompt: () => 'Summarize: {{description}}',
  }) as unknown as Tracking;

  readonly endpoints: EndpointHost = this.#faulty({
    prepare: (release: Release) => void this.#running.set(releaseId(release), release),
    setTraffic: (_endpoint: string, shares: readonly Share[]) => {
      const missing = shares.find(({ release }) => !this.#running.has(releaseId(release)));
      if (missing) throw new Error(`version ${missing.release.version} is not prepared`);
      for (const { release } of shares)
        if (
          !approved.includes(release.version) ||
          release.weights.digest !== artifact(`weights ${release.version}`).digest
        )
          this.broken.push(`${release.version} was served, which nobody approved`);
      this.#shares = shares;
      return { url: 'http://127.0.0.1/', shares };
    },
    traffic: () => {
      if (!this.calm && this.#random() < 0.1) this.#crash();
      return { url: 'http://127.0.0.1/', shares: this.#shares };
    },
    ask: () => ({ status: this.#random() < 0.03 ? 500 : 200, text: 'fine', ms: 1, completionTokens: 1 }),
    observe: () => [],
    retireIdle: () => {
      for (const id of this.#running.keys()) if (!this.#hasTraffic(id)) this.#running.delete(id);
    },
  });

  readonly artifacts: Dependencies['artifacts'] = fakeArtifacts(
    versions.map((version) => `weights ${version}`),
    { [`${artifact('dataset').uri}/heldout.jsonl`]: '{"prompt": "a"}\n{"prompt": "b"}\n' },
  );

  #hasTraffic = (id: string): boolean => this.#shares.some(({ release }) => releaseId(release) === id);

  #crash(): void {
    for (const id of this.#running.keys()) if (!this.#hasTraffic(id)) this.#running.delete(id);
  }

  /** What disagrees once all is quiet. */
  disagreements(): string[] {
    const [record, champion, previous] = [
      this.#modelTags.get(recordTag(this.name)),
      this.#aliases.get('champion'),
      this.#aliases.get('previous'),
    ];
    const idle = this.#running.size - this.#shares.length;
    return [
      ...disagreements({ shares: this.#shares, record, champion, previous }),
      ...(idle === 0 ? [] : [`${idle} releases run without traffic`]),
    ];
  }

  #faulty<T extends Record<string, (...args: never[]) => unknown>>(methods: T) {
    return Object.fromEntries(
      Object.entries(methods).map(([name, method]) => [
        name,
        async (...args: never[]): Promise<unknown> => {
          const fails = !this.calm && this.#random() < 0.08;
          if (fails && this.#random() < 0.5) throw new Error(`${name} did not get through`);
          const answer = await method(...args);
          if (fails) throw new Error(`the answer to ${name} was lost`);
          return answer;
        },
      ]),
    ) as unknown as { [K in keyof T]: (...args: Parameters<T[K]>) => Promise<Awaited<ReturnType<T[K]>>> };
  }
}
