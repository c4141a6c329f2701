import { ApplicationFailure } from '@temporalio/activity';
import { checkCanary, type CanaryVerdict } from '../domain/endpoint/canary.ts';
import type { CanaryRules } from '../domain/spec/deploy-spec.ts';
import { checkLifecycleSpec, describeProblems } from '../domain/spec/explain-spec.ts';
import { type Release, releaseId, type Share } from '../domain/endpoint/release.ts';
import type { Candidate, ReleaseRequest, ReleaseTerms } from '../domain/endpoint/roll-out.ts';
import { isSameRelease, type ServingState } from '../domain/endpoint/serving-state.ts';
import { recordPrefix, recordTag, tags, type Alias } from '../domain/lineage/tracking.ts';
import type { Dependencies } from './dependencies.ts';
import { whileBeating } from './heartbeats.ts';
import { heldOutPrompts, prepareApproved } from './prepare-release.ts';

export interface ServingStateChange {
  readonly endpoint: string;
  readonly next: ServingState;
  readonly before: ServingState;
  /** Asked for but not served: an alias of it may have been set by hand. */
  readonly model?: string;
}

type Needed = Pick<Dependencies, 'tracking' | 'artifacts' | 'endpoints' | 'endpointQueue'>;

/** What the execution that owns an endpoint does to it. Each is idempotent. */
export function createEndpointActivities({ tracking, artifacts, endpoints, endpointQueue }: Needed) {
  /** Starts it unless it runs, and has it answer. What has traffic already has shown that it can. */
  async function start(release: Release): Promise<void> {
    const { shares } = await endpoints.traffic(release.endpoint);
    if (shares.some((share) => releaseId(share.release) === releaseId(release))) return;
    const { dataset } = (await readTerms(release)).terms;
    const [smokePrompt = ''] = await heldOutPrompts(artifacts, dataset.uri, 1);
    const template = await tracking.readPrompt(release.prompt.name, release.prompt.version);
    await prepareApproved({ artifacts, endpoints }, release, { smokePrompt, template });
  }

  async function readTerms({ model, version }: Pick<Release, 'model' | 'version'>): Promise<Candidate> {
    const found = await tracking.readVersion(model, version);
    const refuse = (why: string) => notReleasable({ model, version }, why);
    if (found === undefined) throw refuse('is not in the registry.');
    const {
      [tags.verdict]: verdict,
      [tags.evidenceDigest]: evidence,
      [tags.releaseTerms]: written,
      [tags.promptVersion]: prompt = '',
    } = found.tags;
    if (found.weights === undefined || verdict !== 'gate passed' || !evidence)
      throw refuse('passed no gate; only what a lifecycle approved is released.');
    if (!written)
      throw refuse('has no release terms among its tags. Run its lifecycle again: unchanged stages are reused.');
    const kept = JSON.parse(written) as ReleaseTerms;
    // Check the spec again: others can write to MLflow.
    const checked = checkLifecycleSpec(kept.spec);
    if (!checked.ok) throw refuse(`has a spec that is not valid: ${describeProblems(checked.problems)}`);
    const terms = { ...kept, spec: checked.spec };
    const [name = '', promptVersion = ''] = prompt.split('/');
    return {
      release: {
        endpoint: terms.spec.deploy.endpoint,
        model,
        version,
        weights: found.weights,
        prompt: { name, version: promptVersion },
        serving: terms.spec.deploy.serving,
      },
      terms,
    };
  }

  return {
    /** Has the endpoint's execution take the request up, and starts that execution if there is none. */
    askEndpoint: (request: ReleaseRequest): Promise<void> => whileBeating(() => endpointQueue.ask(request)),

    /** Has it drop the request if it can; a reply comes either way. */
    withdrawRelease: (endpoint: string, requestId: string): Promise<void> =>
      whileBeating(() => endpointQueue.withdraw(endpoint, requestId)),

    /** The version with its terms; fails with `NotReleasable` where no gate passed it. Undefined where `champion` names none that we registered. */
    readCandidate: ({
      endpoint,
      model,
      version,
    }: Pick<ReleaseRequest, 'endpoint' | 'model' | 'version'>): Promise<Candidate | undefined> =>
      whileBeating(async () => {
        const wanted = version ?? (await tracking.aliasVersion(model, 'champion'));
        if (wanted === undefined) return undefined;
        const candidate = await readTerms({ model, version: wanted });
        const owner = await ownerBeside(endpoint, model);
        const own = candidate.release.endpoint;
        if (own !== endpoint)
          throw notReleasable(candidate.release, `is for the endpoint ${own}, not for ${endpoint}.`);
        if (owner !== undefined)
          throw notReleasable(
            candidate.release,
            `can't be served by ${endpoint}: ${owner} serves ${model}, and its aliases name one version each. Give the model of one of the two another name.`,
          );
        return candidate;
      }),

    startRelease: (release: Release): Promise<void> => whileBeating(() => start(release)),

    /** Shares of new requests; each release is started if it does not run any more. */
    splitTraffic: (endpoint: string, shares: readonly Share[]): Promise<void> =>
      whileBeating(async () => {
        for (const { release } of shares) await start(release);
        await endpoints.setTraffic(endpoint, shares);
      }),

    checkCanary: (canary: Release, current: Release, sinceMs: number, rules: CanaryRules): Promise<CanaryVerdict> =>
      whileBeating(async () =>
        checkCanary(
          await endpoints.observe(canary.endpoint, sinceMs),
          { canary: releaseId(canary), current: releaseId(current) },
          rules,
        ),
      ),

    /**
     * Traffic, aliases and record, in that order, are as in `next` afterwards, whatever they were; then all else is ended.
     * `champion` never names a version that did not serve. Resolves with the address of the endpoint.
     */
    applyServingState: ({ endpoint, next, before, model: asked }: ServingStateChange): Promise<string> =>
      whileBeating(async () => {
        const { champion } = next;
        if (champion) await start(champion);
        const { url } = await endpoints.setTraffic(endpoint, champion ? [{ release: champion, percent: 100 }] : []);
        const models = [next, before]
          .flatMap((servingState) => [servingState.champion, servingState.previous])
          .flatMap((release) => release?.model ?? []);
        for (const model of new Set([...models, ...(asked ? [asked] : [])])) {
          if (await ownerBeside(endpoint, model)) continue;
          await point(model, 'previous', next.previous);
          await point(model, 'champion', champion);
          if (champion?.model === model) await tracking.setModelTag(model, recordTag(endpoint), JSON.stringify(next));
          else await tracking.removeModelTag(model, recordTag(endpoint));
        }
        if (champion) {
          await tracking.setVersionTags(champion.model, champion.version, { [tags.endpoint]: endpoint });
          if (!before.champion || !isSameRelease(before.champion, champion))
            await tracking.removeVersionTag(champion.model, champion.version, tags.refused);
          if ((await tracking.aliasVersion(champion.model, 'candidate')) === champion.version)
            await tracking.removeAlias(champion.model, 'candidate');
        }
        await endpoints.retireIdle(endpoint);
        return url;
      }),

    /** What the endpoint stood for when its execution last ended; from its traffic where there is no record yet. */
    readServingState: (endpoint: string, model: string): Promise<ServingState> =>
      whileBeating(async () => {
        const { shares } = await endpoints.traffic(endpoint);
        for (const name of new Set([...shares.map(({ release }) => release.model), model])) {
          const record = (await tracking.modelTags(name))[recordTag(endpoint)];
          if (record) return JSON.parse(record) as ServingState;
        }
        const [only, ...others] = shares;
        return only && others.length === 0 ? { champion: only.release } : {};
      }),

    /** Says with a version why it is not served: who set an alias by hand looks there, and a schedule does not make the same again. Without a version, with the one that `champion` names. */
    noteRefusal: (model: string, version: string | undefined, reason: string): Promise<void> =>
      whileBeating(async () => {
        const named = version ?? (await tracking.aliasVersion(model, 'champion'));
        if (named !== undefined && (await tracking.readVersion(model, named)))
          await tracking.setVersionTags(model, named, { [tags.refused]: reason });
      }),
  };

  /** Another endpoint that serves the model: its aliases are that one's. */
  async function ownerBeside(endpoint: string, model: string): Promise<string | undefined> {
    const record = Object.keys(await tracking.modelTags(model)).find(
      (key) => key.startsWith(recordPrefix) && key !== recordTag(endpoint),
    );
    return record?.slice(recordPrefix.length);
  }

  async function point(model: string, alias: Alias, release: Release | undefined): Promise<void> {
    if (release?.model === model) await tracking.setAlias(model, alias, release.version);
    else await tracking.removeAlias(model, alias);
  }
}

const notReleasable = ({ model, version }: Pick<Release, 'model' | 'version'>, why: string) =>
  ApplicationFailure.nonRetryable(`Version ${version} of ${model} ${why}`, 'NotReleasable');
