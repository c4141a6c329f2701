import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { closingLine, readClosingLine, sum } from '../../../scripts/dev/counts.ts';

const counts = fc.record({ passed: fc.nat(), failed: fc.nat(), skipped: fc.nat() });

test('a closing line is read as it was written, after whatever stands before it', () => {
  fc.assert(
    fc.property(counts, counts, (earlier, last) => {
      expect(readClosingLine(`${closingLine(earlier)}\nmore\n${closingLine(last)}\n`)).toEqual(last);
    }),
  );
});

test('a command that printed no closing line has no counts', () => {
  expect(readClosingLine('Tests: 3 passed, 0 failed, 0 skipped of 3')).toBeUndefined();
});

test('counts are added one by one', () => {
  expect(sum({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 })).toEqual({
    passed: 11,
    failed: 22,
    skipped: 33,
  });
});
