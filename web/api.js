/** What the console refused, in its own sentence. */
export class ApiError extends Error {
  /** @param {number} status @param {string} sentence */
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

/**
 * @template T
 * @param {string} path
 * @param {'GET' | 'POST' | 'DELETE'} [method]
 * @param {object} [body]
 * @returns {Promise<T>}
 */
export async function ask(path, method = 'GET', body) {
  const answer = await fetch(path, {
    method,
    ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
  }).catch(() => {
    throw new ApiError(0, 'The console does not answer. Is it up, and are you online?');
  });
  const content = /** @type {unknown} */ (await answer.json().catch(() => ({})));
  if (!answer.ok)
    throw new ApiError(
      answer.status,
      /** @type {{ error?: string }} */ (content).error ?? `The console answered ${answer.status}.`,
    );
  return /** @type {T} */ (content);
}
