/** The machine lacks something, or a service would not start: said in words with a way out, without a stack trace. */
export class SetupError extends Error {}
