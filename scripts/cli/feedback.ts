import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { evaluationExamples, preferencePairs } from '../../domain/serving/preference-pairs.ts';
import { ratedAnswers } from '../../mlflow/trace-store.ts';
import { loadConfig } from '../../workers/config.ts';
import { connectMlflow } from './connect.ts';
import { UserError } from './user-error.ts';

const formats = { preferences: preferencePairs, evaluation: evaluationExamples } as const;

/** `tuneline feedback`: what clients said of an endpoint's answers, to learn from. */
export const feedbackCommand = (finish: (code: number) => void): Command =>
  new Command('feedback').description("use what clients said of an endpoint's answers").addCommand(
    new Command('export')
      .description('write it as JSON lines: preference pairs for DPO, or an evaluation set')
      .argument('<endpoint>', 'the name that clients call')
      .requiredOption('--out <file>', 'where to write it')
      .addOption(
        new Option('--format <format>', '{"prompt", "chosen", "rejected"}, or the columns of the prompt and "target"')
          .choices(Object.keys(formats))
          .default('preferences'),
      )
      .action(async (endpoint: string, { out, format }: { out: string; format: keyof typeof formats }) => {
        const rated = [];
        for await (const answer of ratedAnswers(connectMlflow(loadConfig()), endpoint)) rated.push(answer);
        if (rated.length === 0)
          throw new UserError(
            `Nobody has said anything of ${endpoint} yet.\nhint: POST /v1/feedback {"id", "rating", "correction", "comment"} does, with the ID of an answer.`,
          );
        const rows = formats[format](rated);
        await writeFile(out, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
        process.stderr.write(`${rows.length} lines from what was said ${rated.length} times\n`);
        finish(0);
      }),
  );
