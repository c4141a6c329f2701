import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { preferencePairs, type RatedAnswer } from '../../domain/serving/preference-pairs.ts';
import { defaultServing } from '../../domain/serving/serving-settings.ts';
import { createMlflow } from '../../mlflow/index.ts';
import { createTraceStore, ratedAnswers } from '../../mlflow/trace-store.ts';
import { chat, openEndpoint, releaseOf, trial } from '../support/endpoint-lab.ts';
import { answerChat } from '../support/fake-engine.ts';
import { openMlflow, type MlflowServer } from '../support/mlflow-server.ts';
import { until } from '../support/until.ts';
import { speak, idOf } from './feedback-builders.ts';

describe('on a real MLflow', () => {
  let server: MlflowServer;
  beforeAll(async () => {
    server = await openMlflow();
  }, 120_000);
  afterAll(() => server.stop());

  test('requests are traces, feedback is an assessment on them, and both come back as what to learn from', async () => {
    const mlflow = createMlflow({ trackingUri: server.trackingUri });
    const { host, url } = await openEndpoint((_version, response) => answerChat(response, 'A poor answer.'), {
      traces: createTraceStore(mlflow),
    });
    const release = releaseOf('1', { serving: { ...defaultServing, traceShare: 0 } });
    await host.prepare(release, { ...trial, template: 'Sum up: {{text}}' });
    await host.setTraffic('summaries', [{ release, percent: 100 }]);
    const { id } = (await (await chat(url, { variables: { text: 'Ünicode by ada@example.org' } })).json()) as {
      id: string;
    };
    await chat(url, { variables: { text: 'nobody speaks of this' } });
    for (const rating of [1, -1])
      expect(
        (await speak(url, { id, rating, correction: `A better answer, ${rating}.`, comment: 'too poor' })).status,
      ).toBe(202);
    const rated = await until(async () => {
      const all: RatedAnswer[] = [];
      for await (const one of ratedAnswers(mlflow, 'summaries')) all.push(one);
      return all[0]?.rating === -1 && all;
    });
    expect(rated).toEqual([
      {
        ...{
          id,
          version: 'package-summaries/1',
          author: 'client',
          answer: 'A poor answer.',
          rating: -1,
          correction: 'A better answer, -1.',
          comment: 'too poor',
        },
        ...{
          messages: [{ role: 'user', content: 'Sum up: Ünicode by [EMAIL]' }],
          variables: { text: 'Ünicode by [EMAIL]' },
        },
      },
    ]);
    expect(preferencePairs(rated)).toEqual([
      { prompt: 'Sum up: Ünicode by [EMAIL]', chosen: 'A better answer, -1.', rejected: 'A poor answer.' },
    ]);
    // A request that is known nowhere is no trace.
    expect((await speak(url, { id: idOf(7), rating: 1 })).status).toBe(404);
  });
});
