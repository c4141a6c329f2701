import { V1MicroTime } from '@kubernetes/client-node';
import { expect, test } from '@jest/globals';
import { describeEvents } from '../../../k8s/jobs/events.ts';

const about = { metadata: {}, involvedObject: { kind: 'Pod', name: 'p' } };

test('events read as lines, in the order in which they happened, whichever API wrote them', () => {
  expect(
    describeEvents([
      {
        ...about,
        type: 'Warning',
        reason: 'Evicted',
        message: 'low on memory\n',
        eventTime: new V1MicroTime('2026-01-01T00:00:03Z'),
      },
      {
        ...about,
        type: 'Normal',
        reason: 'Scheduled',
        message: 'assigned to a node',
        lastTimestamp: new Date('2026-01-01T00:00:01Z'),
      },
      {
        ...about,
        type: 'Warning',
        reason: 'BackOff',
        message: 'again',
        lastTimestamp: new Date('2026-01-01T00:00:02Z'),
        count: 4,
      },
    ]),
  ).toBe(
    '2026-01-01T00:00:01.000Z Normal Scheduled Pod/p: assigned to a node\n' +
      '2026-01-01T00:00:02.000Z Warning BackOff Pod/p: again (4 times)\n' +
      '2026-01-01T00:00:03.000Z Warning Evicted Pod/p: low on memory\n',
  );
  expect(describeEvents([])).toBe('');
});
