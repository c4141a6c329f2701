import { isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { UserError } from './user-error.ts';

/** Temporal reports a missing history as a gRPC error; 5 is NOT_FOUND. */
export const isNotFound = (error: unknown): boolean =>
  error instanceof WorkflowNotFoundError ||
  (isGrpcServiceError(error) && (error as { readonly code: number }).code === 5);

/** For a `catch`: turns a missing lifecycle into a `UserError`, and throws everything else again. */
export function explainNotFound(id: string) {
  return (error: unknown): never => {
    if (isNotFound(error))
      throw new UserError(`There is no lifecycle ${id}.\nhint: "scripts/tuneline status" lists them.`);
    throw error;
  };
}
