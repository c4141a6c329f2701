/** A mistake of the person at the keyboard: said in a sentence with the way out, without a stack trace. */
export class UserError extends Error {}

/** Refused or rejected is not broken: pipelines tell the two apart by these. */
export const exitCodes = { promoted: 0, broken: 1, refused: 2 } as const;
