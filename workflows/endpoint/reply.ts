import { getExternalWorkflowHandle } from '@temporalio/workflow';
import type { ReleaseReply, ReleaseRequest } from '../../domain/endpoint/roll-out.ts';
import { releaseEndedSignal } from '../messages.ts';

/** Sends the reply to the execution that waits for it. That execution may be gone; then nobody needs the reply. */
export async function sendReply({ replyTo }: ReleaseRequest, reply: ReleaseReply): Promise<void> {
  if (replyTo === undefined) return;
  await getExternalWorkflowHandle(replyTo)
    .signal(releaseEndedSignal, reply)
    .catch(() => undefined);
}
