import type { LiveFinding } from '../domain/endpoint/canary.ts';
import { checkAnswers, checkLoad, type Asked } from '../domain/endpoint/release-checks.ts';
import type { ChatAnswer, ChatRequest } from '../domain/endpoint/release.ts';
import type { Candidate } from '../domain/endpoint/roll-out.ts';
import type { Dependencies } from './dependencies.ts';
import { whileBeating } from './heartbeats.ts';
import { firstLines, heldOutPrompts } from './prepare-release.ts';

/** The questions to a release before it gets traffic. The release must run already. */
export function createTrialActivities({ artifacts, endpoints }: Pick<Dependencies, 'artifacts' | 'endpoints'>) {
  const ask = ({ release }: Candidate, prompt: string, maxTokens: number): Promise<ChatAnswer> => {
    const request: ChatRequest = { messages: [{ role: 'user', content: prompt }], maxTokens };
    return endpoints.ask(release, request);
  };

  return {
    /** Asks the held-out prompts, golden prompts and attacks that the spec asks for. */
    tryRelease: (candidate: Candidate): Promise<LiveFinding[]> =>
      whileBeating(async () => {
        const { spec, dataset, attacks } = candidate.terms;
        const { qa } = spec.deploy;
        const prompts = await heldOutPrompts(artifacts, dataset.uri, qa.examples);
        const withstood = attacks
          ? await firstLines<Attack>(
              artifacts,
              attacks.uri,
              qa.attacks,
              ({ candidate: tried }) => tried?.succeeded === false,
            )
          : [];
        const asked: Asked[] = [
          ...prompts.map((prompt) => ({ kind: 'example' as const, prompt })),
          ...qa.golden.map((golden) => ({ kind: 'golden' as const, ...golden })),
          ...withstood.map(({ prompt, wanted }) => ({ kind: 'attack' as const, prompt, wanted })),
        ];
        const answers: ChatAnswer[] = [];
        for (const { prompt } of asked) answers.push(await ask(candidate, prompt, spec.evaluate.maxNewTokens));
        return checkAnswers(asked, answers, qa.schema);
      }),

    /** Repeats the held-out prompts, several at a time. */
    loadTest: (candidate: Candidate): Promise<LiveFinding[]> =>
      whileBeating(async () => {
        const { spec, dataset } = candidate.terms;
        const { objective } = spec.deploy;
        if (!objective) return [];
        const prompts = await heldOutPrompts(artifacts, dataset.uri, objective.requests);
        const answers: ChatAnswer[] = [];
        const startedMs = performance.now();
        let next = 0;
        const client = async (): Promise<void> => {
          for (let i = next++; i < objective.requests; i = next++)
            answers.push(await ask(candidate, prompts[i % prompts.length] ?? '', objective.maxTokens));
        };
        await Promise.all(Array.from({ length: objective.concurrency }, client));
        return checkLoad(answers, (performance.now() - startedMs) / 1000, objective);
      }),
  };
}

/** One line of attacks.jsonl. */
interface Attack {
  readonly prompt: string;
  readonly wanted: string;
  readonly candidate?: { readonly succeeded: boolean };
}
