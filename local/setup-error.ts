/**
 * The machine lacks something, or a service did not start. Its message includes a remedy, and the user sees no stack
 * trace.
 */
export class SetupError extends Error {}
