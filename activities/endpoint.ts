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
  /** The model that a request asked for, if it is not served: a person may have moved one of its aliases by hand. */
  readonly model?: string;
}

type Needed = Pick<Dependencies, 'tracking' | 'artifacts' | 'endpoints' | 'endpointQueue'>;

/** The operations of an endpoint's execution on its endpoint. Each is idempotent. */
export function createEndpointActivities({ tracking, artifacts, endpoints, endpointQueue }: Needed) {
  /** Starts the release and waits for its first answer. A release that has traffic already runs, and is left alone. */
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
    /** Sends the request to the endpoint's execution, and starts that execution if there is none. */
    askEndpoint: (request: ReleaseRequest): Promise<void> => whileBeating(() => endpointQueue.ask(request)),

    /** Asks the execution to drop the request if it still can. A reply comes in either case. */
    withdrawRelease: (endpoint: string, requestId: string): Promise<void> =>
      whileBeating(() => endpointQueue.withdraw(endpoint, requestId)),

    /**
     * Returns the version with its terms. Fails with `NotReleasable` if no gate passed it. Undefined if the request
     * names no version and no version has the `champion` alias.
     */
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

    /** Sets the percentages of new requests. Starts each release that does not run. */
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
     * Sets traffic, aliases and record to `next`, in that order, from any earlier state, and then ends all other
     * releases. `champion` never names a version that did not serve. Returns the address of the endpoint.
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

    /** Returns the recorded serving state. If there is no record yet, derives it from the endpoint's traffic. */
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

    /**
     * Writes the reason to a version that is not served. A person who moved an alias by hand finds it there, and a
     * schedule does not make the same candidate again. Without a version, it goes to the one that `champion` names.
     */
    noteRefusal: (model: string, version: string | undefined, reason: string): Promise<void> =>
      whileBeating(async () => {
        const named = version ?? (await tracking.aliasVersion(model, 'champion'));
        if (named !== undefined && (await tracking.readVersion(model, named)))
          await tracking.setVersionTags(model, named, { [tags.refused]: reason });
      }),
  };

  /** Returns another endpoint that serves the model, if any: the aliases of the model belong to that endpoint. */
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
