import { describe, expect, test } from '@jest/globals';
import { createMlflow, MlflowError, type MlflowOptions } from '../../mlflow/index.ts';
import { httpStub } from './http-stub.ts';

const BODY_SECRET = 'do-not-tell-params';

/** The error of one call whose body holds a secret. */
async function failureOf(options: MlflowOptions): Promise<MlflowError> {
  const error: unknown = await createMlflow(options)
    .runs.setTags('run-1', { note: BODY_SECRET })
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  if (error instanceof MlflowError) return error;
  throw new Error(`expected an MlflowError, got ${String(error)}`);
}

describe('what a failed call says', () => {
  const mlflowError = (code: string, message = 'why'): string => JSON.stringify({ error_code: code, message });
  test.each([
    { status: 404, body: mlflowError('RESOURCE_DOES_NOT_EXIST'), kind: 'notFound', retryable: false },
    { status: 400, body: mlflowError('RESOURCE_ALREADY_EXISTS'), kind: 'exists', retryable: false },
    { status: 400, body: mlflowError('INVALID_PARAMETER_VALUE'), kind: 'rejected', retryable: false },
    { status: 401, body: 'You are not authenticated', kind: 'rejected', retryable: false },
    { status: 404, body: '<h1>Not Found</h1>', kind: 'rejected', retryable: false },
    { status: 404, body: '"RESOURCE_DOES_NOT_EXIST"', kind: 'rejected', retryable: false },
    { status: 404, body: 'null', kind: 'rejected', retryable: false },
    { status: 408, body: '', kind: 'server', retryable: true },
    { status: 429, body: mlflowError('REQUEST_LIMIT_EXCEEDED'), kind: 'server', retryable: true },
    { status: 500, body: mlflowError('INTERNAL_ERROR'), kind: 'server', retryable: true },
    { status: 500, body: mlflowError('RESOURCE_DOES_NOT_EXIST'), kind: 'server', retryable: true },
    { status: 501, body: mlflowError('NOT_IMPLEMENTED'), kind: 'server', retryable: false },
    { status: 502, body: '<h1>Bad Gateway</h1>', kind: 'server', retryable: true },
    { status: 200, body: '<!doctype html>', kind: 'server', retryable: true },
    { status: 200, body: '', kind: 'server', retryable: true },
    { status: 200, body: '17', kind: 'server', retryable: true },
    { status: 200, body: 'null', kind: 'server', retryable: true },
  ])('$status $body → $kind', async ({ status, body, kind, retryable }) => {
    await using stub = await httpStub((_request, response) => response.writeHead(status).end(body));
    const error = await failureOf({ trackingUri: stub.uri });
    expect(error).toMatchObject({ kind, retryable });
    expect(error.message).toContain('MLflow POST /api/2.0/mlflow/runs/log-batch: ');
    expect(error.message).not.toContain(BODY_SECRET);
    expect(stub.received).toHaveLength(1);
  });

  test("MLflow's code and message are told, its SQL is not", async () => {
    const message = `Experiment already exists.\n[SQL: INSERT INTO tags VALUES ('${BODY_SECRET}')]`;
    await using stub = await httpStub((_request, response) =>
      response.writeHead(400).end(mlflowError('RESOURCE_ALREADY_EXISTS', message)),
    );
    expect((await failureOf({ trackingUri: stub.uri })).message).toBe(
      'MLflow POST /api/2.0/mlflow/runs/log-batch: 400 RESOURCE_ALREADY_EXISTS: Experiment already exists.',
    );
  });

  test('nobody listens', async () => {
    const stub = await httpStub(() => undefined);
    await stub[Symbol.asyncDispose]();
    const error = await failureOf({ trackingUri: stub.uri });
    expect(error).toMatchObject({ kind: 'unreachable', retryable: true });
    expect(error.message).toBe(`MLflow POST /api/2.0/mlflow/runs/log-batch: can't reach ${stub.uri} (ECONNREFUSED)`);
  });

  test('the connection breaks before an answer', async () => {
    await using stub = await httpStub((request) => request.socket.destroy());
    expect(await failureOf({ trackingUri: stub.uri })).toMatchObject({ kind: 'unreachable', retryable: true });
    expect(stub.received).toHaveLength(1);
  });

  test('no answer in time', async () => {
    await using stub = await httpStub(() => undefined);
    const error = await failureOf({ trackingUri: stub.uri, timeoutSeconds: 0.05 });
    expect(error).toMatchObject({ kind: 'unreachable', retryable: true });
    expect(error.message).toContain(`no answer from ${stub.uri} within 0.05 s`);
  });

  test('the answer stops half-way', async () => {
    await using stub = await httpStub((_request, response) => response.writeHead(200).write('{"half":'));
    const error = await failureOf({ trackingUri: stub.uri, timeoutSeconds: 0.2 });
    expect(error).toMatchObject({ kind: 'unreachable', retryable: true });
    expect(error.message).toContain('within 0.2 s');
  });

  test('a redirect is not followed', async () => {
    await using target = await httpStub((_request, response) => response.end('{}'));
    await using stub = await httpStub((_request, response) => response.writeHead(302, { location: target.uri }).end());
    expect(await failureOf({ trackingUri: stub.uri, authorization: 'Bearer secret' })).toMatchObject({
      kind: 'rejected',
    });
    expect(target.received).toEqual([]);
  });

  test('health tells a stranger from MLflow', async () => {
    await using stub = await httpStub((_request, response) => response.end('<title>Some other service</title>'));
    await expect(createMlflow({ trackingUri: stub.uri }).health()).rejects.toMatchObject({ kind: 'server' });
  });
});

describe('credentials', () => {
  const answer = async (options: (uri: URL) => MlflowOptions): Promise<string | undefined> => {
    await using stub = await httpStub((_request, response) => response.end('{}'));
    await createMlflow(options(new URL(stub.uri))).runs.setTags('run-1', { a: 'b' });
    return stub.received[0]?.headers.authorization;
  };
  const withUser = (uri: URL): string => `http://ann:p%40ss%25@${uri.host}`;

  test('the authorization option is sent as it is', async () => {
    expect(await answer((uri) => ({ trackingUri: uri.href, authorization: 'Bearer abc' }))).toBe('Bearer abc');
  });
  test('user and password of the URI become basic authorization', async () => {
    expect(await answer((uri) => ({ trackingUri: withUser(uri) }))).toBe(`Basic ${btoa('ann:p@ss%')}`);
  });
  test('the option wins over the URI', async () => {
    expect(await answer((uri) => ({ trackingUri: withUser(uri), authorization: 'Bearer abc' }))).toBe('Bearer abc');
  });
  test('without either none is sent', async () => {
    expect(await answer((uri) => ({ trackingUri: uri.href }))).toBeUndefined();
  });

  test.each([401, 500])('an error does not tell them: %d', async (status) => {
    await using stub = await httpStub((_request, response) => response.writeHead(status).end());
    const { message } = await failureOf({ trackingUri: withUser(new URL(stub.uri)) });
    expect(message).not.toMatch(/ann|p@ss|p%40ss/);
    expect(message).not.toContain(btoa('ann:p@ss%'));
  });
  test('nor does one for a server that is not there', async () => {
    const stub = await httpStub(() => undefined);
    await stub[Symbol.asyncDispose]();
    expect((await failureOf({ trackingUri: withUser(new URL(stub.uri)) })).message).not.toMatch(/ann|p@ss|p%40ss/);
  });
  test.each([
    { trackingUri: 'http://ann:hidden@[broken' },
    { trackingUri: 'ftp://ann:hidden@host' },
    { trackingUri: 'hidden' },
    { trackingUri: 'http://host', authorization: 'Bearer hidden\n' },
    { trackingUri: 'http://host', authorization: '' },
  ])('what cannot be used is refused and not quoted: %j', (options) => {
    const attempt = (): unknown => createMlflow(options);
    expect(attempt).toThrow(MlflowError);
    expect(attempt).not.toThrow(/hidden/);
  });
});

test('MLflow may sit below a path', async () => {
  await using stub = await httpStub((_request, response) => response.end('{}'));
  await createMlflow({ trackingUri: `${stub.uri}/tools/mlflow/` }).runs.setTags('run-1', { a: 'b' });
  expect(stub.received).toMatchObject([{ method: 'POST', url: '/tools/mlflow/api/2.0/mlflow/runs/log-batch' }]);
});

test('a reply without the fields that matter is an error, not an undefined', async () => {
  await using stub = await httpStub((_request, response) => response.end('{"run":{"info":{"status":"RUNNING"}}}'));
  await expect(createMlflow({ trackingUri: stub.uri }).runs.get('run-1')).rejects.toThrow(
    "MLflow's reply lacks run.info.run_id",
  );
});
