import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { artifactPath } from '../../mlflow/artifact-path.ts';
import { MlflowError } from '../../mlflow/index.ts';

describe('artifactPath', () => {
  test.each([
    ['report.json', 'report.json'],
    ['model/README.md', 'model/README.md'],
    ['a b/ü.txt', 'a%20b/%C3%BC.txt'],
    ['.hidden/..two-dots..', '.hidden/..two-dots..'],
  ])('%s stays inside', (path, expected) => {
    expect(artifactPath(path)).toBe(expected);
  });

  test.each([
    ...[
      '',
      '/',
      '/etc/passwd',
      'a/',
      'a//b',
      '.',
      '..',
      '../x',
      'a/../../x',
      'a/./b',
      'a/...',
      'a\\b',
      '..\\x',
      'C:\\x',
      'C:/x',
    ],
    ...[
      '%2e%2e/x',
      '%252e%252e/x',
      '..%2fx',
      'a%2fb',
      'a#b',
      'a?b',
      'a\nb',
      'a\0b',
      's3://bucket/x',
      '．．/x',
      ' ../x',
      '.. /x',
      ' a',
    ],
  ])('%j is refused', (path) => {
    expect(() => artifactPath(path)).toThrow(MlflowError);
  });

  test('no path that is accepted leaves the folder, however often a server undoes escapes', () => {
    const part = fc.constantFrom(
      '.',
      '..',
      '/',
      '\\',
      '%',
      '2e',
      '%2e',
      '%5c',
      '%2f',
      'a',
      ' ',
      '\u2024',
      '．',
      '://',
      '\t',
    );
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
        (path) => {
          let url: string;
          try {
            url = artifactPath(path);
          } catch {
            return;
          }
          expect(new URL(`http://host/root/${url}`).pathname).toBe(`/root/${url}`);
          const undone = decodeURIComponent(url);
          expect(undone).not.toContain('%');
          expect(new URL(undone, 'http://host/root/').pathname.startsWith('/root/')).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
