import type { ScheduleView } from '../../../workers/schedules/lifecycle-schedules.ts';

/** A few lines for each schedule: what comes next, what came of the last start, and why it stands still if it does. */
export const showSchedules = (views: readonly ScheduleView[]): string =>
  views.length === 0 ? 'no schedules\n' : views.map(showSchedule).join('');

function showSchedule(view: ScheduleView): string {
  const { id, note, paused, pausedBecause, next, failuresInARow, pauseAfterFailures, skippedByOverlap, missed } = view;
  const [last] = view.started;
  const rows = [
    ['next', paused ? 'paused' : (next ?? 'never again')],
    ['because', pausedBecause],
    ['last', last && [last.ending, last.at, last.workflowId].join('  ')],
    ['reason', last?.reason],
    [
      'failures',
      failuresInARow === 0
        ? undefined
        : `${failuresInARow} in a row${pauseAfterFailures === undefined ? '' : `; ${pauseAfterFailures} pause it`}`,
    ],
    [
      'left out',
      skippedByOverlap + missed === 0 ? undefined : `${skippedByOverlap} while another ran, ${missed} missed`,
    ],
    ['note', note],
  ];
  return [
    id,
    ...rows.flatMap(([name = '', value]) => (value === undefined ? [] : [`  ${name.padEnd(10)}${value}`])),
    '',
  ].join('\n');
}

/** One schedule, with each start that it remembers. */
export const showOneSchedule = (view: ScheduleView): string =>
  [
    showSchedule(view),
    ...view.started.map(
      ({ at, ending, workflowId, reason }) =>
        `  ${at}  ${ending.padEnd(10)}${workflowId}${reason ? `\n                            ${reason}` : ''}\n`,
    ),
  ].join('');
