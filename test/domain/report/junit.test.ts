import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { toJunitXml, type JunitCase, type JunitSuite } from '../../../domain/report/junit.ts';
import { readJunit } from '../../support/junit.ts';

const at = new Date('2030-01-02T03:04:05.678Z');

/** As XML hands names on: blanks in a row are one, and none stand at the ends. */
const asToken = (text: string): string => text.replace(/[\t\n\r ]+/g, ' ').replace(/^ | $/g, '');
/** What XML has no place for is seen to be missing. */
const asXml = (text: string): string =>
  text.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd');

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({
    unit: fc.constantFrom(
      '&',
      '<',
      '>',
      '"',
      "'",
      ']]>',
      '\r',
      '\n',
      '\t',
      '\u0000',
      '\ud800',
      '\ufffe',
      '\uffff',
      ' ',
      'a',
      '<![CDATA[',
      '-->',
      '&amp;',
    ),
    maxLength: 12,
  }),
);
const aCase: fc.Arbitrary<JunitCase> = fc.oneof(
  fc.record({ name: anyText, seconds: fc.double({ min: 0, max: 1e9, noNaN: true }) }),
  fc.record({ name: anyText, skipped: anyText }),
  fc.record({
    name: anyText,
    failed: fc.record({ as: fc.constantFrom('failure', 'error'), type: anyText, message: anyText }),
  }),
);
const suite: fc.Arbitrary<JunitSuite> = fc.record({
  name: fc.constant('gate'),
  package: anyText,
  properties: anyText.map((lifecycle) => ({ lifecycle })),
  cases: fc.array(aCase, { maxLength: 4 }),
  output: anyText,
});

test('whatever the texts are, it is valid, and what is read back is what was said', () => {
  fc.assert(
    fc.property(fc.array(suite, { maxLength: 3 }), (suites) => {
      const read = readJunit(toJunitXml(suites, at));
      expect(read).toHaveLength(suites.length);
      for (const [i, { cases, properties, output = '' }] of suites.entries()) {
        const one = read[i];
        expect(one?.output).toBe(asXml(output));
        expect(one?.properties).toEqual({ lifecycle: asXml(properties['lifecycle'] ?? '') });
        expect(one?.cases.map(({ name }) => asToken(name))).toEqual(cases.map(({ name }) => asToken(asXml(name))));
        expect(one?.cases.map(({ ended }) => ended?.as)).toEqual(
          cases.map(({ failed, skipped }) => failed?.as ?? (skipped === undefined ? undefined : 'skipped')),
        );
        expect(one?.cases.map(({ ended }) => ended?.text ?? '')).toEqual(
          cases.map(({ failed }) => asXml(failed?.message ?? '')),
        );
        expect(one?.cases.map(({ ended }) => ended?.message ?? '')).toEqual(
          cases.map(({ failed, skipped = '' }) => asXml(failed?.message.split('\n', 1)[0] ?? skipped)),
        );
        expect(one?.attributes).toMatchObject({ tests: String(cases.length), id: String(i) });
      }
    }),
  );
});

test('a suite counts what it holds, and how long it took', () => {
  const failed = { as: 'failure', type: 'gate', message: 'missed\nby far' } as const;
  const cases: JunitCase[] = [
    { name: 'a', seconds: 1.5 },
    { name: 'b', failed },
    { name: 'c', failed: { ...failed, as: 'error' } },
    { name: 'd', skipped: 'did not run' },
    { name: 'e', seconds: 2 },
  ];
  const [read] = readJunit(
    toJunitXml([{ name: 'stages', package: 'summaries', properties: { lifecycle: 'weekly' }, cases }], at),
  );
  expect(read?.attributes).toEqual({
    package: 'summaries',
    id: '0',
    name: 'stages',
    timestamp: '2030-01-02T03:04:05',
    hostname: 'tuneline',
    tests: '5',
    failures: '1',
    errors: '1',
    skipped: '1',
    time: '3.500',
  });
  expect(read?.cases[1]).toEqual({
    name: 'b',
    time: 0,
    ended: { as: 'failure', type: 'gate', message: 'missed', text: 'missed\nby far' },
  });
});
