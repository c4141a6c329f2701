/** A mistake of the person at the keyboard: said in a sentence with the way out, without a stack trace. */
export class UserError extends Error {}

/** Refused or rejected is not broken, and neither is what awaits a person: pipelines tell them apart by these. */
export const exitCodes = { promoted: 0, broken: 1, refused: 2, awaitingReview: 3 } as const;
