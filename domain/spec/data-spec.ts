import { z } from 'zod';
import { name } from './deploy-spec.ts';

export const dataSchema = z
  .strictObject({
    path: z.string().min(1).meta({ description: 'A .jsonl, .json, .csv or .parquet file, or hub:ORG/NAME[:SPLIT].' }),
    input: z.array(z.string().min(1)).min(1).meta({ description: 'Columns that the prompt template may use.' }),
    target: z.string().min(1).meta({ description: 'The column that holds the wanted answer.' }),
    group: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'Rows of one group never stand on both sides of the split.' }),
    heldOutExamples: z.int().min(8).max(100_000).default(128),
    trainExamples: z
      .int()
      .min(1)
      .optional()
      .meta({ description: 'At most so many training examples; all by default.' }),
  })
  .meta({ description: 'What to learn from.' });

export const promptSchema = z
  .strictObject({
    name: name.meta({ description: 'The name in the prompt registry.' }),
    path: z.string().min(1).meta({ description: 'A text file with {{column}} placeholders.' }),
  })
  .meta({ description: 'The template that turns a row into what the model is asked.' });

export type DataSpec = z.output<typeof dataSchema>;
