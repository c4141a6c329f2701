import { z } from 'zod';
import { plainName, rolePrefix } from '../review/review.ts';

const reviewer = z.string().min(1).max(100);

/** Counts the different people who may approve. A role may stand for any number of people. */
const canApprove = (entries: readonly string[]): number =>
  entries.some((entry) => plainName(entry).startsWith(rolePrefix)) ? Infinity : new Set(entries.map(plainName)).size;

export const reviewSchema = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('gate') }).meta({ description: 'What the gate lets through is approved.' }),
  z
    .strictObject({
      by: z.literal('person'),
      deadlineHours: z
        .number()
        .positive()
        .max(24 * 90)
        .default(72),
      twoPersonRule: z.boolean().default(false).meta({ description: 'The reviewer must not be the requester.' }),
      approvals: z
        .int()
        .min(1)
        .max(10)
        .default(1)
        .meta({ description: 'So many different people have to approve; one who rejects is enough to reject.' }),
      reviewers: z
        .array(reviewer)
        .min(1)
        .optional()
        .meta({ description: 'Who may decide: names, and roles as role:NAME. Anyone by default.' }),
      reminderHours: z.number().min(1).optional().meta({ description: 'The webhook is reminded every so many hours.' }),
      escalation: z
        .strictObject({ afterHours: z.number().positive(), to: z.array(reviewer).min(1) })
        .optional()
        .meta({ description: 'After so long without a decision these may decide, too, and are told.' }),
    })
    .refine(
      ({ approvals, reviewers, escalation }) =>
        reviewers === undefined || canApprove([...reviewers, ...(escalation?.to ?? [])]) >= approvals,
      {
        path: ['reviewers'],
        message: 'with review.escalation.to as many different people as review.approvals, or a role',
      },
    )
    .refine((r) => r.reminderHours === undefined || r.reminderHours < r.deadlineHours, {
      path: ['reminderHours'],
      message: 'fewer than review.deadlineHours',
    })
    .refine((r) => r.escalation === undefined || r.escalation.afterHours < r.deadlineHours, {
      path: ['escalation', 'afterHours'],
      message: 'fewer than review.deadlineHours',
    })
    .meta({ description: 'A person decides on what the gate lets through.' }),
]);

export type ReviewSpec = z.output<typeof reviewSchema>;
export type ReviewRules = Extract<ReviewSpec, { by: 'person' }>;
