import { expect, test } from '@jest/globals';
import { ensureSearchAttributes } from '../../workers/search-attributes.ts';
import { startDevServer } from '../support/temporal.ts';

test("a namespace that lacks the lifecycles' search attributes gets them, once", async () => {
  const environment = await startDevServer();
  const { client, connection } = environment;
  const known = async () =>
    Object.keys(
      (await connection.operatorService.listSearchAttributes({ namespace: client.options.namespace })).customAttributes,
    );
  expect(await known()).not.toContain('TunelineModel');
  await ensureSearchAttributes(client);
  expect(await known()).toEqual(
    expect.arrayContaining(['TunelineModel', 'TunelineStage', 'TunelineVerdict', 'TunelineBreach']),
  );
  await ensureSearchAttributes(client);
  await environment.teardown();
});
