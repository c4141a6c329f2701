import { getExternalWorkflowHandle } from '@temporalio/workflow';
import type { ReleaseReply, ReleaseRequest } from '../../domain/endpoint/roll-out.ts';
import { releaseEndedSignal } from '../messages.ts';

/** Sends the reply to the execution that waits for it. If that execution has ended, the reply is dropped. */
export async function sendReply({ replyTo }: ReleaseRequest, reply: ReleaseReply): Promise<void> {
  if (replyTo === undefined) return;
  await getExternalWorkflowHandle(replyTo)
    .signal(releaseEndedSignal, reply)
    .catch(() => undefined);
}
