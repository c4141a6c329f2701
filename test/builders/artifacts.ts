import type { ArtifactStore } from '../../domain/artifact-store.ts';
import { digestOfText } from '../../domain/digest.ts';
import type { Artifact } from '../../domain/job/job.ts';

/** An artifact by name: another name is another digest. */
export const artifact = (name: string): Artifact => ({ uri: `file:///store/${name}`, digest: digestOfText(name) });

/** A store that holds the artifacts named, with their digests, and the texts given by URI. */
export function fakeArtifacts(names: readonly string[], texts: Readonly<Record<string, string>> = {}): ArtifactStore {
  const held = new Map(names.map((name) => [artifact(name).uri, artifact(name).digest]));
  const need = <T>(uri: string, found: T | undefined): Promise<T> =>
    found === undefined ? Promise.reject(new Error(`nothing at ${uri}`)) : Promise.resolve(found);
  return {
    uriOf: (...path) => artifact(path.join('/')).uri,
    exists: (uri) => Promise.resolve(held.has(uri)),
    readText: (uri) => need(uri, texts[uri]),
    async *readLines(uri) {
      yield* (await need(uri, texts[uri])).trimEnd().split('\n');
    },
    digest: (uri) => need(uri, held.get(uri)),
    remove: (uri) => Promise.resolve(held.delete(uri) ? 1 : 0),
    wouldKeep: async (uri) => ({ uri, digest: await need(uri, held.get(uri)) }),
    keep: async (uri) => ({ uri, digest: await need(uri, held.get(uri)) }),
  };
}
