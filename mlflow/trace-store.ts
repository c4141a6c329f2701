import type { ChatMessage } from '../domain/serving/chat-request.ts';
import { textOf } from '../domain/serving/chat-request.ts';
import type { RatedAnswer } from '../domain/serving/preference-pairs.ts';
import type { TraceStore } from '../domain/serving/trace-store.ts';
import type { Mlflow } from './index.ts';
import type { Assessment, Trace } from './traces.ts';

const hasFeedback = { key: 'tuneline.feedback', value: 'yes' };
const versionTag = 'tuneline.version';
const promptTag = 'tuneline.prompt_version';
const rating = 'rating';
/** The name that MLflow's own evaluation uses for the expected answer. */
const expected = 'expected_response';

/** The traces of an endpoint's requests are in the experiment `endpoint NAME`. */
const experimentOf = (endpoint: string): string => `endpoint ${endpoint}`;
const hexOf = (id: string): string => id.replace(/^chatcmpl-/, '');

/** Stores an endpoint's requests and feedback in MLflow. */
export function createTraceStore({ experiments, traces }: Pick<Mlflow, 'experiments' | 'traces'>): TraceStore {
  const known = new Map<string, string>();

  async function experimentId(endpoint: string): Promise<string> {
    const id = known.get(endpoint) ?? (await experiments.ensure(experimentOf(endpoint)));
    known.set(endpoint, id);
    return id;
  }

  return {
    async write({ id, release, atMs, ms, status, messages, variables, answer }) {
      await traces.put({
        hexId: hexOf(id),
        experimentId: await experimentId(release.endpoint),
        name: release.endpoint,
        startedAtMs: atMs - ms,
        ms,
        ok: status === 200,
        inputs: { messages, variables },
        outputs: { choices: [{ message: { role: 'assistant', content: answer } }] },
        previews: { request: textOf(messages), response: answer },
        tags: {
          [versionTag]: `${release.model}/${release.version}`,
          [promptTag]: `${release.prompt.name}/${release.prompt.version}`,
        },
      });
    },
    async assess(_endpoint, { id, author, rating: value, correction, comment }) {
      const from = { source: author, atMs: Date.now() };
      // Sets the tag first: if the trace does not exist, this fails before any feedback is stored.
      await traces.setTag(hexOf(id), hasFeedback);
      if (correction !== undefined)
        await traces.assess(hexOf(id), { ...from, name: expected, expectation: correction });
      await traces.assess(hexOf(id), {
        ...from,
        name: rating,
        feedback: value,
        ...(comment === undefined ? {} : { rationale: comment }),
      });
    },
  };
}

/**
 * All feedback on the endpoint's answers, oldest request first. Only the last feedback of each person on each answer
 * counts.
 */
export async function* ratedAnswers(
  { experiments, traces }: Pick<Mlflow, 'experiments' | 'traces'>,
  endpoint: string,
): AsyncGenerator<RatedAnswer> {
  const id = await experiments.find(experimentOf(endpoint));
  if (id === undefined) return;
  for await (const trace of traces.find(id, { [hasFeedback.key]: hasFeedback.value })) yield* ratedBy(trace);
}

function* ratedBy({ hexId, inputs, outputs, assessments, tags }: Trace): Generator<RatedAnswer> {
  const { messages = [], variables } = (inputs ?? {}) as {
    messages?: readonly ChatMessage[];
    variables?: Readonly<Record<string, string>>;
  };
  const answer =
    (outputs as { choices?: { message?: { content?: string } }[] } | undefined)?.choices?.[0]?.message?.content ?? '';
  for (const author of new Set(assessments.map(({ source }) => source))) {
    const last = (name: string): Assessment | undefined =>
      assessments.filter((one) => one.source === author && one.name === name).sort((a, b) => b.atMs - a.atMs)[0];
    const said = last(rating);
    if (typeof said?.feedback !== 'number') continue;
    const correction = last(expected)?.expectation;
    yield {
      ...{ id: `chatcmpl-${hexId}`, version: tags[versionTag] ?? '', author, messages, answer, rating: said.feedback },
      ...(variables ? { variables } : {}),
      ...(correction === undefined ? {} : { correction }),
      ...(said.rationale === undefined ? {} : { comment: said.rationale }),
    };
  }
}
