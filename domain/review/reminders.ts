/** An action on a review that is still open, with the hours since the review opened. */
export interface Due {
  readonly afterHours: number;
  readonly what: 'remind' | 'escalate' | 'expire';
}

export interface Waiting {
  readonly deadlineHours: number;
  readonly reminderHours?: number | undefined;
  readonly escalation?: { readonly afterHours: number } | undefined;
}

/** Sorted by time; the last entry is the deadline. An escalation replaces a reminder at the same hour. */
export function remindersOf({ deadlineHours, reminderHours, escalation }: Waiting): readonly Due[] {
  const count = reminderHours === undefined ? 0 : Math.ceil(deadlineHours / reminderHours) - 1;
  const reminders = Array.from({ length: count }, (_, i): Due => ({
    afterHours: (i + 1) * (reminderHours ?? 0),
    what: 'remind',
  }));
  const escalations: readonly Due[] = escalation ? [{ afterHours: escalation.afterHours, what: 'escalate' }] : [];
  const before = [...escalations, ...reminders.filter(({ afterHours }) => afterHours !== escalation?.afterHours)];
  return [...before.sort((a, b) => a.afterHours - b.afterHours), { afterHours: deadlineHours, what: 'expire' }];
}
