import { ApplicationFailure } from '@temporalio/activity';
import type { Dependencies } from './dependencies.ts';

/** A chat that works answers well within this time. */
const answerWithinMs = 10_000;

export function createNotificationActivities({ reviewWebhook }: Pick<Dependencies, 'reviewWebhook'>) {
  /** Posts the text to the team's webhook in Slack's format. The address is a secret, so no error contains it. */
  async function tellTeam(text: string): Promise<'sent' | 'no webhook is configured'> {
    if (!reviewWebhook) return 'no webhook is configured';
    if (!/^https?:$/.test(URL.parse(reviewWebhook)?.protocol ?? ''))
      throw ApplicationFailure.nonRetryable(
        'TUNELINE_REVIEW_WEBHOOK is no http or https address; set one and restart the worker.',
        'BadWebhook',
      );
    const status = await post(reviewWebhook, text);
    if (status >= 200 && status < 300) return 'sent';
    const message = `The review webhook answered ${status}.`;
    // A webhook that refuses a request will refuse it again, except for timeouts (408) and rate limits (429).
    throw status < 500 && ![408, 429].includes(status)
      ? ApplicationFailure.nonRetryable(message, 'BadWebhook')
      : ApplicationFailure.retryable(message, 'WebhookUnavailable');
  }
  return { tellTeam };
}

async function post(url: string, text: string): Promise<number> {
  try {
    const body = JSON.stringify({ text });
    const reply = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(answerWithinMs),
    });
    await reply.body?.cancel();
    return reply.status;
  } catch (error) {
    const { cause } = error as { cause?: { code?: unknown } };
    const why = typeof cause?.code === 'string' ? cause.code : (error as Error).name;
    // Without `cause`, because the message of fetch contains the address.
    throw ApplicationFailure.retryable(`The review webhook could not be reached (${why}).`, 'WebhookUnavailable');
  }
}
