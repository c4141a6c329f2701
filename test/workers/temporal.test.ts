import { expect, test } from '@jest/globals';
import { temporalLinks } from '../../workers/temporal.ts';

test('links lead into the namespace, whatever its name and the ID are', () => {
  const links = temporalLinks('https://temporal.example/', 'team.a/b');
  expect(links.execution('weekly #7')).toBe('https://temporal.example/namespaces/team.a%2Fb/workflows/weekly%20%237');
  expect(links.start('lifecycle', 'tuneline')).toBe(
    'https://temporal.example/namespaces/team.a%2Fb/workflows/start-workflow?workflowType=lifecycle&taskQueue=tuneline',
  );
});
