import { SetupError } from '../../local/setup-error.ts';
import type { TracingSettings } from '../config.ts';
import type { Tracing } from './tracing.ts';

/**
 * Traces of this process, under this name where `OTEL_SERVICE_NAME` gives no other; undefined, and nothing of OpenTelemetry is
 * loaded, where there are no settings. Once a process: context and tracers are the whole process's. Throws a `SetupError`.
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
  // A collector takes JSON where it takes protobuf.
  if (protocol !== undefined && !protocol.startsWith('http/'))
    throw new SetupError(
      `OTEL_EXPORTER_OTLP_PROTOCOL: expected http/json, got "${protocol}".\nhint: collectors take it at port 4318, and gRPC at 4317.`,
    );
  const { startTracing } = await import('./start.ts');
  return startTracing(url, serviceName, log);
}
