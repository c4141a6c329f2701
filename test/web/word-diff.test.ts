import fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { diffWords } from '../../web/word-diff.js';

const said = (pieces: readonly { text: string; own: boolean }[], own: boolean): string[] =>
  pieces.filter((piece) => piece.own === own).flatMap(({ text }) => text.trim().split(/\s+/).filter(Boolean));
const whole = (pieces: readonly { text: string }[]): string => pieces.map(({ text }) => text).join('');

test('the words that only one side has are told apart', () => {
  const { left, right } = diffWords('a fast CSV parser', 'a CSV parser in C');
  expect([said(left, true), said(right, true)]).toEqual([['fast'], ['in', 'C']]);
});

test('as few words as can be are marked', () => {
  const { left, right } = diffWords('a b c x', 'x a b c');
  expect([said(left, true), said(right, true)]).toEqual([['x'], ['x']]);
});

const text = fc.array(fc.constantFrom('a', 'b', 'c', ' ', '\n', ' d ')).map((parts) => parts.join(''));

test('the pieces are the text, and what is not marked is the same on both sides', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      const { left, right } = diffWords(a, b);
      expect([whole(left), whole(right)]).toEqual([a, b]);
      expect(said(left, false)).toEqual(said(right, false));
    }),
  );
});

test('equal texts have no marks, and one of a thousand words is shown as it is', () => {
  expect(diffWords('a b', 'a  b').left.some(({ own }) => own)).toBe(false);
  const long = 'word '.repeat(1000);
  expect(diffWords(long, 'x').left).toEqual([{ text: long, own: false }]);
});
