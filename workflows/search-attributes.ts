import { defineSearchAttributeKey } from '@temporalio/common';

export const modelAttribute = defineSearchAttributeKey('TunelineModel', 'KEYWORD');
export const stageAttribute = defineSearchAttributeKey('TunelineStage', 'KEYWORD');
export const verdictAttribute = defineSearchAttributeKey('TunelineVerdict', 'KEYWORD');
/** On an endpoint: the rules that its release breaches, separated by blanks. */
export const breachAttribute = defineSearchAttributeKey('TunelineBreach', 'KEYWORD');

export const searchAttributeNames = [modelAttribute, stageAttribute, verdictAttribute, breachAttribute].map(
  ({ name }) => name,
);
