import { expect, test } from '@jest/globals';
import type { ReleaseRequest } from '../../domain/endpoint/roll-out.ts';
import { EndpointState } from '../../workflows/endpoint/endpoint-state.ts';
import { releaseOf } from '../builders/releases.ts';

const request = (id: string): ReleaseRequest => ({ id, endpoint: 'summaries', model: 'summaries', because: 'a test' });
const open = (...queue: readonly ReleaseRequest[]) =>
  new EndpointState('summaries', { servingState: {}, queue, ended: [] }, () => undefined);

test('a rollback is handled before the requests that wait already', () => {
  const state = open(request('first'), request('second'));
  state.enqueueFirst(request('rollback'));
  state.enqueue(request('third'));
  expect(state.queue.map(({ id }) => id)).toEqual(['rollback', 'first', 'second', 'third']);
});

test('a request that left the queue is returned once', () => {
  const state = open(request('first'), request('second'));
  expect(state.dequeue('first')).toEqual(request('first'));
  expect(state.dequeue('first')).toBeUndefined();
  expect(state.queue.map(({ id }) => id)).toEqual(['second']);
});

test('the last fifty replies are remembered, and no more', () => {
  const state = open();
  for (let n = 1; n <= 51; n++) state.recordReply({ id: `ask ${n}`, ended: 'refused', reason: 'a test' });
  expect(state.replyTo('ask 1')).toBeUndefined();
  expect(state.replyTo('ask 2')).toMatchObject({ ended: 'refused' });
  expect(state.kept.ended).toHaveLength(50);
});

test('a new roll-out does not inherit the stop of the one before', () => {
  const state = open();
  state.beginRollOut(request('first'));
  state.stopRollOut('a person rolled back');
  expect(state.stopReason).toBe('a person rolled back');
  state.endRollOut();
  state.beginRollOut(request('second'));
  expect(state.stopReason).toBeUndefined();
});

test('every transition shows the new status', () => {
  const shown: string[] = [];
  const state = new EndpointState('summaries', undefined, ({ queue, rollingOut, servingState }) =>
    shown.push([queue.length, rollingOut?.step ?? '-', servingState.champion?.version ?? '-'].join(' ')),
  );
  state.enqueue(request('first'));
  state.beginRollOut(request('first'));
  state.advanceRollOut({ step: 'canary' });
  state.restore({ champion: releaseOf('2') });
  state.endRollOut();
  expect(shown).toEqual(['0 - -', '1 - -', '1 starting -', '1 canary -', '1 canary 2', '1 - 2']);
});
