import { randomBytes } from 'node:crypto';

/**
 * Settings that let a local MLflow send webhooks to this machine. By default it refuses loopback addresses and plain
 * http.
 */
export const localWebhooks = (encryptionKey: string): Readonly<Record<string, string>> => ({
  MLFLOW_WEBHOOK_ALLOWED_SCHEMES: 'http,https',
  MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS: 'true',
  // Without this key MLflow generates one at each start, and then can't read its stored secrets.
  MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY: encryptionKey,
});

/** A key in Fernet's format. */
export const makeEncryptionKey = (): string =>
  randomBytes(32).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
