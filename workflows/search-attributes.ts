import { defineSearchAttributeKey } from '@temporalio/common';

export const modelAttribute = defineSearchAttributeKey('TunelineModel', 'KEYWORD');
export const stageAttribute = defineSearchAttributeKey('TunelineStage', 'KEYWORD');
export const verdictAttribute = defineSearchAttributeKey('TunelineVerdict', 'KEYWORD');
