import { SetupError } from '../../local/setup-error.ts';
import type { TracingSettings } from '../config.ts';
import type { Tracing } from './tracing.ts';

/**
 * Starts tracing for this process, under this service name unless `OTEL_SERVICE_NAME` is set. Without settings it
 * returns undefined and loads nothing of OpenTelemetry. Call it once per process, because context and tracers are
 * global. Throws a `SetupError`.
 */
export async function openTracing(
  settings: TracingSettings | undefined,
  serviceName: string,
  log: (message: string) => void,
): Promise<Tracing | undefined> {
  if (!settings) return undefined;
  const { url, protocol } = settings;
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new SetupError(
      `OTEL_EXPORTER_OTLP_ENDPOINT: expected the URL of a collector such as http://127.0.0.1:4318, got "${url}".`,
    );
  // The exporter sends JSON. A collector that accepts protobuf over HTTP accepts JSON too.
  if (protocol !== undefined && !protocol.startsWith('http/'))
    throw new SetupError(
      `OTEL_EXPORTER_OTLP_PROTOCOL: expected http/json, got "${protocol}".\nhint: collectors take it at port 4318, and gRPC at 4317.`,
    );
  const { startTracing } = await import('./start.ts');
  return startTracing(url, serviceName, log);
}
