import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Share } from '../domain/endpoint/release.ts';
import type { Prepared } from './release-engine.ts';

export interface Kept {
  readonly prepared: readonly Prepared[];
  readonly shares: readonly Share[];
}

/**
 * The state that survives a restart: a folder for each endpoint, with its releases and its traffic. Each write replaces
 * the whole file, so that no file is ever incomplete.
 */
export class EndpointFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async endpoints(): Promise<readonly string[]> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    return readdir(this.#root);
  }

  async read(endpoint: string): Promise<Kept> {
    return {
      shares: (await this.#readJson<readonly Share[]>(endpoint, 'traffic.json')) ?? [],
      prepared: (await this.#readJson<readonly Prepared[]>(endpoint, 'releases.json')) ?? [],
    };
  }

  writeShares = (endpoint: string, shares: readonly Share[]): Promise<void> =>
    this.#write(endpoint, 'traffic.json', shares);

  writePrepared = (endpoint: string, prepared: readonly Prepared[]): Promise<void> =>
    this.#write(endpoint, 'releases.json', prepared);

  /** The folder of one engine. */
  folder = (endpoint: string, key: string): string => join(this.#root, endpoint, key);

  async #write(endpoint: string, name: string, content: unknown): Promise<void> {
    await mkdir(join(this.#root, endpoint), { recursive: true, mode: 0o700 });
    const path = join(this.#root, endpoint, name);
    await writeFile(`${path}.new`, JSON.stringify(content), { flush: true });
    await rename(`${path}.new`, path);
  }

  async #readJson<T>(endpoint: string, name: string): Promise<T | undefined> {
    const text = await readFile(join(this.#root, endpoint, name), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }
}
