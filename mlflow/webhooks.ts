import { type Client } from './client.ts';
import { MlflowError, present } from './errors.ts';

export interface Webhook {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  /** Event names such as `model_version_alias.created`. */
  readonly events: readonly string[];
}

export interface WebhookToEnsure {
  readonly url: string;
  /** MLflow signs events with it, and never shows it again. */
  readonly secret: string;
}

export interface Webhooks {
  /**
   * Makes MLflow call this address for each alias that is set or deleted. Idempotent by address: an existing webhook
   * gets the new secret. MLflow refuses addresses that are not https or are on private networks, unless its operator
   * allows them.
   */
  ensure(webhook: WebhookToEnsure): Promise<Webhook>;
  list(): Promise<Webhook[]>;
  /** Throws `notFound`. */
  remove(id: string): Promise<void>;
}

interface WireWebhook {
  readonly webhook_id?: string;
  readonly name?: string;
  readonly url?: string;
  readonly events?: readonly { readonly entity: string; readonly action: string }[];
}

const aliasEvents = ['CREATED', 'DELETED'].map((action) => ({ entity: 'MODEL_VERSION_ALIAS', action }));

export function createWebhooks(client: Client): Webhooks {
  async function list(): Promise<Webhook[]> {
    const found: Webhook[] = [];
    let page_token: string | undefined;
    do {
      const reply = await client.json<{ webhooks?: readonly WireWebhook[]; next_page_token?: string }>(
        'GET',
        '/webhooks',
        { max_results: 100, page_token },
      );
      found.push(...(reply.webhooks ?? []).map(webhookFrom));
      page_token = reply.next_page_token || undefined;
    } while (page_token !== undefined);
    return found;
  }
  return {
    async ensure({ url, secret }) {
      const there = (await list()).find((webhook) => webhook.url === url);
      const wanted = { name: 'tuneline', url, events: aliasEvents, secret, status: 'ACTIVE' };
      const { webhook } = await client.json<{ webhook?: WireWebhook }>(
        there ? 'PATCH' : 'POST',
        there ? `/webhooks/${there.id}` : '/webhooks',
        wanted,
      );
      return webhookFrom(present(webhook, 'webhook'));
    },
    list,
    async remove(id) {
      if (!/^[\w-]+$/.test(id)) throw new MlflowError('notFound', `there is no webhook ${id}`);
      await client.json('DELETE', `/webhooks/${id}`, {});
    },
  };
}

const webhookFrom = ({ webhook_id, name, url, events = [] }: WireWebhook): Webhook => ({
  id: present(webhook_id, 'webhook.webhook_id'),
  name: present(name, 'webhook.name'),
  url: present(url, 'webhook.url'),
  events: events.map(({ entity, action }) => `${entity}.${action}`.toLowerCase()),
});
