import { connect } from 'node:net';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { claimPort, type ClaimedPort } from './ports.ts';
import { endGroup, identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';
import { Service, type ServiceSpec } from './service.ts';
import { SetupError } from './setup-error.ts';
import { addressesAt, defaultPorts, readStackState, writeStackState, type StackAddresses } from './stack-state.ts';

export interface StackOptions {
  readonly repository: string;
  readonly home: string;
  readonly state: string;
  /** The address of MLflow. Undefined: loopback. */
  readonly host?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly report: (message: string) => void;
}

interface NodeMemory {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * With default settings, V8's heap and the allocator's arenas take several times the memory that the worker needs:
 * docs/benchmarks.md.
 */
export const workerMemory: NodeMemory = {
  flags: ['--max-semi-space-size=4', '--heap-growing-percent=20'],
  env: { MALLOC_ARENA_MAX: '2' },
};

export class AlreadyUpError extends SetupError {}

/** The search attributes of lifecycles and endpoints in Temporal. */
const searchAttributes = ['TunelineModel', 'TunelineStage', 'TunelineVerdict', 'TunelineBreach'];

/** The services of `tuneline up`. Each is a separate process, and all share one state folder. */
export class Stack {
  readonly #options: StackOptions;
  readonly #processes: Record<string, ProcessIdentity> = {};
  readonly #services: Service[] = [];
  readonly #claims: ClaimedPort[] = [];
  #addresses: StackAddresses = addressesAt(defaultPorts);
  #saving: Promise<void> = Promise.resolve();

  constructor(options: StackOptions) {
    this.#options = options;
  }

  get addresses(): StackAddresses {
    return this.#addresses;
  }

  /** Ends the processes of a stack that was killed, and chooses ports. Rejects with `AlreadyUpError`. */
  async prepare(): Promise<void> {
    const { state, report, host } = this.#options;
    const earlier = readStackState(state);
    if (earlier && earlier.up.pid !== process.pid && isAlive(earlier.up))
      throw new AlreadyUpError(
        `A stack is up already, as process ${earlier.up.pid}.\nhint: "tuneline run SPEC" uses it, "tuneline down" ends it.`,
      );
    if (earlier) await endProcesses(earlier.processes);
    const ports = { ...defaultPorts } as Record<keyof StackAddresses, number>;
    for (const [name, preferred] of Object.entries(defaultPorts) as [keyof StackAddresses, number][]) {
      const claimed = await claimPort(preferred);
      this.#claims.push(claimed);
      ports[name] = claimed.port;
      if (claimed.port !== preferred) report(`port ${preferred} is in use, ${name} takes ${claimed.port}`);
    }
    this.#addresses = addressesAt(ports, host);
    await mkdir(join(state, 'logs'), { recursive: true, mode: 0o700 });
    await this.#save();
  }

  startTemporal = (): Promise<void> => this.#start(this.#temporal());
  /** The settings are environment variables, added to the ones that are always set. */
  startMlflow = (settings: Readonly<Record<string, string>> = {}): Promise<void> => this.#start(this.#mlflow(settings));
  startEndpoint = (): Promise<void> => this.#start(this.#nodeService('endpoint', 'workers/endpoint.ts'));
  startConsole = (): Promise<void> =>
    this.#start(
      this.#nodeService('console', 'workers/console.ts', { flags: [], env: nextMetricsPort(this.#options.env) }),
    );
  startWorker = (): Promise<void> => this.#start(this.#nodeService('worker', 'workers/worker.ts', workerMemory));

  /**
   * Stops the services in reverse order of their start, so that each can still use what it depends on. Then frees the
   * ports.
   */
  async stop(): Promise<void> {
    for (const service of this.#services.reverse()) await service.stop();
    for (const claim of this.#claims) claim.release();
  }

  async #start(spec: ServiceSpec): Promise<void> {
    const service = new Service(spec, {
      onStart: async (name, identity) => {
        this.#processes[name] = identity;
        await this.#save();
      },
      onRestart: (name, reason) => this.#options.report(`${name} is started again: ${reason}`),
    });
    this.#services.push(service);
    await service.start();
  }

  /** Serializes saves: services start concurrently, and the last save must contain all of them. */
  #save(): Promise<void> {
    const saved = this.#saving.then(async () => {
      const up = identityOf(process.pid);
      if (up)
        await writeStackState(this.#options.state, { addresses: this.#addresses, up, processes: this.#processes });
    });
    this.#saving = saved.catch(() => undefined);
    return saved;
  }

  #temporal(): ServiceSpec {
    const [host = '', port = ''] = this.#addresses.temporal.split(':');
    return this.#service('temporal', {
      command: [
        join(this.#options.home, 'tools', 'services', 'bin', 'temporal'),
        ...['server', 'start-dev', '--ip', host, '--port', port, '--ui-port', new URL(this.#addresses.temporalUi).port],
        ...['--db-filename', join(this.#options.state, 'temporal.db'), '--log-level', 'warn'],
        // Without a write-ahead log, each event would wait for the disk.
        ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
        // With the default, a timer may fire a second late.
        ...['--dynamic-config-value', 'history.timerProcessorMaxTimeShift="10ms"'],
        ...searchAttributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
      ],
      ready: () => accepts(host, Number(port)),
    });
  }

  #mlflow(settings: Readonly<Record<string, string>>): ServiceSpec {
    const { home, state, host } = this.#options;
    const { hostname, port } = new URL(this.#addresses.mlflow);
    return this.#service('mlflow', {
      command: [
        join(home, 'tools', 'services', 'bin', 'mlflow'),
        ...['server', '--host', hostname, '--port', port, '--workers', '1'],
        // MLflow's check of host names accepts only loopback by default.
        ...(host === undefined ? [] : ['--allowed-hosts', `${hostname}:${port}`]),
        ...[
          '--backend-store-uri',
          `sqlite:///${join(state, 'mlflow.db')}`,
          '--artifacts-destination',
          join(state, 'mlflow-artifacts'),
          '--serve-artifacts',
        ],
      ],
      env: {
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
        MLFLOW_DISABLE_TELEMETRY: 'true',
        DO_NOT_TRACK: 'true',
        ...settings,
      },
      ready: () =>
        fetch(`${this.#addresses.mlflow}/health`).then(
          (answer) => answer.ok,
          () => false,
        ),
    });
  }

  #nodeService(name: string, entry: string, { flags, env }: NodeMemory = { flags: [], env: {} }): ServiceSpec {
    return this.#service(name, {
      env,
      command: [
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        ...flags,
        join(this.#options.repository, entry),
      ],
      ready: 'message',
    });
  }

  #service(
    name: string,
    spec: Pick<ServiceSpec, 'command' | 'ready'> & { readonly env?: Readonly<Record<string, string>> },
  ): ServiceSpec {
    const { repository, home, state, env } = this.#options;
    return {
      name,
      command: spec.command,
      ready: spec.ready,
      // Temporal's bundler also writes a cache.
      env: { ...env, ...spec.env, XDG_CACHE_HOME: join(home, 'cache'), TUNELINE_HOME: home, TUNELINE_STATE: state },
      cwd: repository,
      logPath: join(state, 'logs', `${name}.log`),
    };
  }
}

/**
 * The next port. The worker has the configured one, and both run on one machine here. Pods each have their own ports.
 */
const nextMetricsPort = ({ TUNELINE_METRICS_PORT: port }: Readonly<Record<string, string>>): Record<string, string> =>
  port ? { TUNELINE_METRICS_PORT: String(Number(port) + 1) } : {};

/** Ends processes that an earlier command recorded. The order does not matter, because their stack is already gone. */
export async function endProcesses(processes: Readonly<Record<string, ProcessIdentity>>): Promise<void> {
  await Promise.all(Object.values(processes).map((identity) => endGroup(identity, 10_000)));
}

async function accepts(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
