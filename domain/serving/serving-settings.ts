import { z } from 'zod';

/** The settings that a release is served with: `deploy.serving` of a spec. A changed setting makes another release. */
export const servingSettingsSchema = z
  .strictObject({
    maximumTokens: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(1024)
      .meta({ description: 'The longest answer; a request may ask for less.' }),
    timeoutSeconds: z
      .int()
      .min(1)
      .max(3600)
      .default(120)
      .meta({ description: 'A request that was not answered by then is given up.' }),
    inputGuard: z.enum(['off', 'flag', 'refuse']).default('flag').meta({
      description:
        'What happens to a request that reads like an order to the model to leave its task: flagged, it is answered and noted.',
    }),
    outputGuard: z
      .enum(['off', 'flag', 'redact', 'refuse'])
      .default('redact')
      .meta({ description: 'What happens to an answer with an e-mail address, a phone, card or IP number in it.' }),
    canary: z.string().min(8).max(200).optional().meta({
      description:
        "A text of the prompt's template that no answer may give away, in whatever encoding; streams are then held back until they are whole.",
    }),
    requestsPerMinute: z
      .int()
      .min(1)
      .optional()
      .meta({ description: 'Of one API key, at each process that answers; any number by default.' }),
    traceShare: z.number().min(0).max(1).default(0.1).meta({
      description:
        'The share of requests whose text goes to MLflow as traces, without personal data; requests with feedback always go.',
    }),
  })
  .meta({ description: 'How the endpoint answers clients.' });

export type ServingSettings = z.output<typeof servingSettingsSchema>;

/** The default settings, for a release whose spec has none. */
export const defaultServing: ServingSettings = servingSettingsSchema.parse({});
