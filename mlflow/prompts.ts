import { type Client } from './client.ts';
import { MlflowError, present } from './errors.ts';
import { tagsEqual } from './filter.ts';
import { createVersionOnce, type ModelVersion, readVersion, searchVersions } from './model-version.ts';
import { ensureRegisteredModel, isPrompt } from './registered-model.ts';
import { type Tags, toPairs } from './tags.ts';

export interface PromptVersion {
  readonly name: string;
  readonly version: string;
  /** The template, with MLflow's `{{variable}}` placeholders. For a `chat` prompt, its messages as JSON. */
  readonly text: string;
  readonly type: 'text' | 'chat';
  readonly description: string;
  /** Without MLflow's own tags. */
  readonly tags: Tags;
}

export interface PromptToRegister {
  readonly name: string;
  readonly text: string;
  readonly description?: string;
  readonly tags?: Tags;
}

export interface Prompts {
  /**
   * The first version of the prompt with exactly this text. Creates the version, and the prompt, if there is none. An
   * existing version keeps its description and tags. Throws `rejected` for a name that MLflow's own library can't load
   * or that a model already has, and for a text over 100,000 characters.
   */
  register(prompt: PromptToRegister): Promise<PromptVersion>;
  /** The first version with exactly this text. Undefined if there is none. */
  find(name: string, text: string): Promise<string | undefined>;
  /** Throws `notFound`, also for a model version that is not a prompt. */
  get(name: string, version: string): Promise<PromptVersion>;
}

// MLflow stores a prompt as a registered model, and marks it with these tags.
const IS_PROMPT = { 'mlflow.prompt.is_prompt': 'true' };
const TEXT_TAG = 'mlflow.prompt.text';
const TYPE_TAG = '_mlflow_prompt_type';
/** Every version needs a source. For prompts MLflow accepts only its own placeholder. */
const SOURCE = 'prompt-template';
/** MLflow's library refuses other names, but its server accepts them. */
const NAME = /^[\w.-]+$/;

export function createPrompts(client: Client): Prompts {
  // Compares the text here, because the search language can't quote every text.
  const find = async (name: string, text: string): Promise<ModelVersion | undefined> =>
    (await searchVersions(client, name, tagsEqual(IS_PROMPT))).find((version) => version.tags[TEXT_TAG] === text);

  return {
    find: async (name, text) => (await find(name, text))?.version,
    async register({ name, text, description = '', tags = {} }) {
      if (!NAME.test(name)) {
        throw new MlflowError('rejected', `not a prompt's name (letters, digits, _ - and .): ${JSON.stringify(name)}`);
      }
      if (!isPrompt(await ensureRegisteredModel(client, name, { tags: IS_PROMPT }))) {
        throw new MlflowError('rejected', `${name} is a registered model and can't be a prompt too`);
      }
      const all = { ...tags, ...IS_PROMPT, [TEXT_TAG]: text, [TYPE_TAG]: 'text' };
      const wanted = { name, source: SOURCE, description, tags: toPairs(all) };
      return toPromptVersion(await createVersionOnce(client, wanted, () => find(name, text)));
    },
    async get(name, version) {
      const found = await readVersion(client, name, version);
      if (!isPrompt(found)) throw new MlflowError('notFound', `version ${version} of ${name} is a model, not a prompt`);
      return toPromptVersion(found);
    },
  };
}

function toPromptVersion({ name, version, description, tags: all }: ModelVersion): PromptVersion {
  const { 'mlflow.prompt.is_prompt': _, [TEXT_TAG]: text, [TYPE_TAG]: type, ...tags } = all;
  return { name, version, text: present(text, TEXT_TAG), type: type === 'chat' ? 'chat' : 'text', description, tags };
}
