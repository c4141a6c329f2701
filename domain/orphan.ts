/** A Job that no execution waits for. */
export interface Orphan {
  readonly job: string;
  /** Of the execution that asked for it. */
  readonly workflowId: string;
}
