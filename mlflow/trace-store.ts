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
/** As MLflow's own evaluation calls what an answer should have been. */
const expected = 'expected_response';

/** Requests of each endpoint are traces of an experiment, `endpoint NAME`. */
const experimentOf = (endpoint: string): string => `endpoint ${endpoint}`;
const hexOf = (id: string): string => id.replace(/^chatcmpl-/, '');

/** What an endpoint keeps of its requests, in MLflow. */
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
      // First what may fail for want of a trace: then nothing was said yet.
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

/** All that was said of answers of the endpoint, the oldest request first; of what one person said of one answer, the last. */
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
