import { randomBytes } from 'node:crypto';

/** What an MLflow on this machine needs to send webhooks to this machine: it refuses loopback and plain http by itself. */
export const localWebhooks = (encryptionKey: string): Readonly<Record<string, string>> => ({
  MLFLOW_WEBHOOK_ALLOWED_SCHEMES: 'http,https',
  MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS: 'true',
  // Without one of its own it makes one at each start, and can't read the secrets that it keeps.
  MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY: encryptionKey,
});

/** As Fernet wants it. */
export const makeEncryptionKey = (): string =>
  randomBytes(32).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
