import type { Delegation, ReviewComment, ReviewDecision } from '../../domain/review/review.ts';
import type { Example } from './examples.ts';
import type { AttackView, CurveView, LifecycleView, LineageView, ProfileView, QueueView } from './views.ts';

/** The data and the actions of the console. Methods throw `Refusal` for an error that the person must see. */
export interface Lifecycles {
  list(): Promise<QueueView>;
  find(id: string): Promise<LifecycleView>;
  examples(id: string): Promise<readonly Example[]>;
  attacks(id: string): Promise<readonly AttackView[]>;
  curve(id: string): Promise<CurveView>;
  profile(id: string): Promise<ProfileView>;
  lineage(id: string): Promise<LineageView>;
  /** Resolves with the lifecycle's answer once the decision is recorded. */
  review(id: string, decision: ReviewDecision & { readonly roles: readonly string[] }): Promise<string>;
  delegate(id: string, delegation: Delegation & { readonly roles: readonly string[] }): Promise<string>;
  comment(id: string, comment: ReviewComment): Promise<string>;
}

/** One sentence for the person who asked, and its HTTP status. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 415 | 503;

  constructor(status: Refusal['status'], sentence: string) {
    super(sentence);
    this.status = status;
  }
}
