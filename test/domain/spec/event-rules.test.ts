import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkEventRules, decideStart, type EventRule } from '../../../domain/spec/event-rules.ts';
import {
  eventFields,
  eventTypes,
  eventWorkflowId,
  maximumEventAgeMs,
  memoryNeededMs,
  refuseAge,
  repositoryOf,
  signatureWindowMs,
  type Event,
} from '../../../domain/events/event.ts';

const event = (changed: Partial<Event> = {}): Event => ({
  ...{
    source: 'mlflow',
    origin: '',
    id: 'd-1',
    type: 'model_version_alias.created',
    occurredAtMs: 0,
    fields: { model: 'm', alias: 'champion', version: '3' },
  },
  ...changed,
});
const rule = (when: Record<string, string>): EventRule => ({
  when: { type: 'model_version_alias.created', ...when },
  start: 'redeploy',
  model: 'm',
  endpoint: 'e',
});
const redeploy = { start: 'redeploy', model: 'm', endpoint: 'e' };

test.each<[string, readonly EventRule[], unknown]>([
  ['its type alone', [rule({})], redeploy],
  ['every field that it names', [rule({ source: 'mlflow', model: 'm', alias: 'champion' })], redeploy],
  ['no field with another value', [rule({ model: 'm', alias: 'candidate' })], undefined],
  ['no field that the event lacks', [rule({ dataset: 'd' })], undefined],
  ['no other source', [rule({ source: 'signed' })], undefined],
  [
    'the first of several',
    [
      rule({ alias: 'x' }),
      { when: { type: 'model_version_alias.created' }, start: 'lifecycle', spec: 'a.json' },
      rule({}),
    ],
    { start: 'lifecycle', spec: 'a.json' },
  ],
])('a rule fits an event by %s', (_name, rules, start) => {
  expect(decideStart(event(), rules)).toEqual(start);
});

const text = fc.string({ minLength: 1, maxLength: 5 });
const anyEvent = fc.constantFrom(...eventTypes).chain((type) =>
  fc.record({
    ...{
      source: fc.constantFrom('mlflow', 'cloudevents', 'signed'),
      origin: text,
      id: text,
      type: fc.constant(type),
      occurredAtMs: fc.integer({ min: 0, max: 1e12 }),
    },
    fields: fc.record(Object.fromEntries(eventFields[type].map((name) => [name, text]))),
  }),
) as fc.Arbitrary<Event>;

test("what starts is what some rule says whose every field is the event's; without such a rule nothing does", () => {
  const anyRule = fc.record({
    when: fc.record(
      { type: fc.constantFrom(...eventTypes), model: text, alias: text, dataset: text },
      { requiredKeys: ['type'] },
    ),
    start: fc.constant('redeploy'),
    model: text,
    endpoint: text,
  }) as fc.Arbitrary<EventRule>;
  fc.assert(
    fc.property(anyEvent, fc.array(anyRule, { maxLength: 5 }), (one, rules) => {
      const told = { source: one.source, type: one.type, ...one.fields };
      const fitting = rules.filter(({ when }) =>
        Object.entries(when).every(([name, value]) => told[name as keyof typeof told] === value),
      );
      const { when: _when, ...first } = fitting[0] ?? { when: undefined };
      expect(decideStart(one, rules)).toEqual(fitting.length === 0 ? undefined : first);
    }),
  );
});

test('an event is known by source, origin and ID alone, however they are cut', () => {
  fc.assert(
    fc.property(anyEvent, anyEvent, (a, b) => {
      const same = a.source === b.source && a.origin === b.origin && a.id === b.id;
      expect(eventWorkflowId(a) === eventWorkflowId(b)).toBe(same);
      expect(eventWorkflowId({ ...b, source: a.source, origin: a.origin, id: a.id })).toBe(eventWorkflowId(a));
    }),
  );
  expect(eventWorkflowId(event({ origin: 'a', id: 'bc' }))).not.toBe(eventWorkflowId(event({ origin: 'ab', id: 'c' })));
});

test('once is for ever: between two times at which one event is taken lies less than what Temporal must remember', () => {
  const times = fc.integer({ min: -2 * maximumEventAgeMs, max: 2 * maximumEventAgeMs });
  fc.assert(
    fc.property(fc.integer({ min: 1e12, max: 2e12 }), times, times, (occurredAtMs, first, again) => {
      const taken = [first, again].map((by) => refuseAge({ occurredAtMs }, occurredAtMs + by) === undefined);
      if (taken.every(Boolean)) expect(Math.abs(again - first)).toBeLessThanOrEqual(memoryNeededMs - signatureWindowMs);
      expect(taken[0]).toBe(first <= maximumEventAgeMs && first >= -signatureWindowMs);
    }),
    { numRuns: 1000 },
  );
  expect(refuseAge({ occurredAtMs: Number.NaN }, 0)).toBe('The event does not say when it happened.');
});

test('the rules that are checked in are as they must be', async () => {
  const raw: unknown = JSON.parse(
    await readFile(new URL('../../../examples/events/rules.json', import.meta.url), 'utf8'),
  );
  expect(checkEventRules(raw)).toMatchObject({ ok: true });
});

test.each([
  [{}, 'rules: expected a list, got nothing'],
  [{ rules: [] }, 'rules: expected a list with a length of at least 1, got []'],
  [
    { rules: [{ when: { type: 'model_version_alias.created' }, start: 'redeploi', model: 'm', endpoint: 'e' }] },
    'rules[0].start: expected one of redeploy, lifecycle, got "redeploi"; did you mean redeploy?',
  ],
  [
    {
      rules: [
        { when: { type: 'model_version_alias.created', modle: 'm' }, start: 'redeploy', model: 'm', endpoint: 'e' },
      ],
    },
    'rules[0].when.modle: no such field; did you mean model?',
  ],
  [
    { rules: [{ when: { type: 'dev.tuneline.dataset.changed', model: 'm' }, start: 'lifecycle', spec: 's' }] },
    'rules[0].when.model: expected none, for dev.tuneline.dataset.changed says only dataset, got "m"',
  ],
  [
    { rules: [{ when: { source: 'mlflow', type: 'dev.tuneline.dataset.changed' }, start: 'lifecycle', spec: 's' }] },
    'rules[0].when.source: expected cloudevents or signed, for MLflow sends no dev.tuneline.dataset.changed, got "mlflow"',
  ],
  [
    { rules: [{ when: { type: 'model_version_alias.created' }, start: 'lifecycle' }] },
    'rules[0].spec: expected a text, got nothing',
  ],
])('of %j it says what is wrong, and where', (raw, problem) => {
  const check = checkEventRules(raw);
  expect(check.ok ? [] : check.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([problem]);
});

test.each([
  ['registry.example.com:5000/team/jobs:v1', 'registry.example.com:5000/team/jobs'],
  ['registry.example.com:5000/team/jobs@sha256:abc', 'registry.example.com:5000/team/jobs'],
  ['jobs:v1@sha256:abc', 'jobs'],
  ['registry.example.com:5000/jobs', 'registry.example.com:5000/jobs'],
])('the repository of %s', (image, repository) => {
  expect(repositoryOf(image)).toBe(repository);
});
