/** What `shared-services.ts` says of one of its servers; undefined where no run of `npm test` started it. */
export async function shared<T>(service: string): Promise<T | undefined> {
  const url = process.env['TUNELINE_TEST_SERVICES'];
  if (!url) return undefined;
  const answer = await fetch(`${url}/${service}`);
  if (!answer.ok) throw new Error(`the shared ${service} did not start: ${await answer.text()}`);
  return (await answer.json()) as T;
}
