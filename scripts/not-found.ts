import { isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { UserError } from './user-error.ts';

/** A history that is not there says so in the words of gRPC: 5 is NOT_FOUND. */
export const isNotFound = (error: unknown): boolean => error instanceof WorkflowNotFoundError || (isGrpcServiceError(error) && (error as { readonly code: number }).code === 5);

/** For a `catch`: what is not there is said in a sentence, the rest thrown on. */
export function explainNotFound(id: string) {
  return (error: unknown): never => {
    if (isNotFound(error)) throw new UserError(`There is no lifecycle ${id}.\nhint: "scripts/tuneline status" lists them.`);
    throw error;
  };
}
