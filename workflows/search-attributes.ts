import { defineSearchAttributeKey } from '@temporalio/common';

export const modelAttribute = defineSearchAttributeKey('TunelineModel', 'KEYWORD');
export const stageAttribute = defineSearchAttributeKey('TunelineStage', 'KEYWORD');
export const verdictAttribute = defineSearchAttributeKey('TunelineVerdict', 'KEYWORD');
/** Of an endpoint: the rules that what it serves breaches, by a blank between them. */
export const breachAttribute = defineSearchAttributeKey('TunelineBreach', 'KEYWORD');

export const searchAttributeNames = [modelAttribute, stageAttribute, verdictAttribute, breachAttribute].map(
  ({ name }) => name,
);
