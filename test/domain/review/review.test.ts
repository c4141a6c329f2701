import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { remindersOf } from '../../../domain/review/reminders.ts';
import { describeNotice } from '../../../domain/review/review-notice.ts';
import { decidedBy, describeChanges, outcomeOf } from '../../../domain/review/review.ts';
import { artifact } from '../../builders/artifacts.ts';
import { decided, reviewRequest, subject } from '../../builders/reviews.ts';

test.each<[string, ReturnType<typeof decided>[], number, string | undefined, string]>([
  ['nobody', [], 1, undefined, ''],
  ['one of one', [decided('Ada')], 1, 'approved', 'Ada'],
  ['one of two', [decided('Ada')], 2, undefined, 'Ada'],
  ['two of two', [decided('Ada'), decided('Grace')], 2, 'approved', 'Ada, Grace'],
  ['one who says no', [decided('Ada'), decided('Grace', 'reject')], 3, 'rejected', 'Grace'],
])('what %s decided', (_what, decisions, approvals, outcome, by) => {
  const request = reviewRequest({ decisions, approvals });
  expect(outcomeOf(request)).toBe(outcome);
  expect(decidedBy(request)).toBe(by);
});

describe('what was approved', () => {
  test('and is there unchanged differs in nothing', () => {
    expect(describeChanges(subject(), subject())).toEqual([]);
  });

  test.each(Object.keys(subject()) as (keyof ReturnType<typeof subject>)[])(
    'and has another %s differs in that alone, or is gone',
    (part) => {
      const [changed, ...more] = describeChanges(subject(), subject({ [part]: 'sha256:other' }));
      expect(more).toEqual([]);
      expect(changed).toMatch(new RegExp(` \\(approved ${subject()[part]}, found sha256:other\\)$`));
      expect(describeChanges(subject(), { ...subject(), [part]: undefined })).toEqual([
        expect.stringMatching(/found nothing\)$/),
      ]);
    },
  );
});

describe('the agenda of a review', () => {
  test('reminds, escalates once and ends', () => {
    const agenda = remindersOf({ deadlineHours: 100, reminderHours: 24, escalation: { afterHours: 50 } });
    expect(agenda.map(({ afterHours, what }) => `${what} ${afterHours}`)).toEqual([
      'remind 24',
      'remind 48',
      'escalate 50',
      'remind 72',
      'remind 96',
      'expire 100',
    ]);
  });

  test('does not remind in the hour that escalates, nor at the deadline', () => {
    const agenda = remindersOf({ deadlineHours: 72, reminderHours: 24, escalation: { afterHours: 48 } });
    expect(agenda.map(({ what }) => what)).toEqual(['remind', 'escalate', 'expire']);
  });

  test('is in order, and ends with the deadline alone', () => {
    const positive = fc.double({ min: 1, max: 2160, noNaN: true });
    fc.assert(
      fc.property(positive, positive, positive, (deadlineHours, reminderHours, afterHours) => {
        fc.pre(afterHours < deadlineHours);
        const hours = remindersOf({ deadlineHours, reminderHours, escalation: { afterHours } }).map(
          (due) => due.afterHours,
        );
        expect(hours).toEqual([...hours].sort((a, b) => a - b));
        expect(hours.filter((hour) => hour >= deadlineHours)).toEqual([deadlineHours]);
      }),
    );
  });
});

describe('a notice', () => {
  const about = (change: Parameters<typeof reviewRequest>[0] = {}) => ({
    workflowId: 'weekly',
    model: 'summaries',
    review: reviewRequest({ digest: artifact('all').digest, ...change }),
  });

  test('says what is wanted of whom, until when, and how', () => {
    expect(
      describeNotice(
        { what: 'wanted' },
        about({ approvals: 2, decisions: [decided('Joan')], reviewers: ['Grace', 'Joan', 'role:leads'] }),
      ),
    ).toBe(
      [
        'summaries (weekly) awaits a review; Ada asked for it.',
        `Wanted: 1 of 2 approvals of ${artifact('all').digest} until 2030-01-04T00:00:00.000Z, by Grace, Joan, role:leads.`,
        'hint: scripts/tuneline review weekly',
      ].join('\n'),
    );
  });

  test("can't mention or link anything where it is read", () => {
    expect(
      describeNotice(
        { what: 'rejected' },
        about({ decisions: [decided('<!channel>', 'reject', '<https://evil|click> & run')] }),
      ),
    ).toBe(
      'summaries (weekly) was rejected by &lt;!channel&gt;.\n&lt;!channel&gt;: &lt;https://evil|click&gt; &amp; run',
    );
  });
});
