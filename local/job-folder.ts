import { randomBytes } from 'node:crypto';
import { access, link, mkdir, open, readFile, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CancelCause, JobRequest } from '../domain/job/job.ts';
import type { ProcessIdentity } from './process-identity.ts';

/**
 * The files of local Jobs, under one root:
 *   jobs/NAME/  request.json, process (the claim), log, outcome.json, exit, cancelled.json
 *   open/NAME   a Job whose outcome is not acknowledged
 *   done/NAME   a Job whose process ended; one folder, so that one watch sees all
 */
export class JobFolders {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  async prepare(): Promise<void> {
    for (const part of ['jobs', 'open', 'done']) await mkdir(join(this.root, part), { recursive: true, mode: 0o700 });
  }

  folder = (name: string): string => join(this.root, 'jobs', name);
  doneMarker = (name: string): string => join(this.root, 'done', name);
  doneFolder = (): string => join(this.root, 'done');
  outcomePath = (name: string): string => join(this.folder(name), 'outcome.json');

  /** Creates the Job's folder atomically. False if the name is taken. */
  async create(request: JobRequest): Promise<boolean> {
    await writeFile(join(this.root, 'open', request.name), '');
    const draft = join(this.root, 'jobs', `.${request.name}.${randomBytes(4).toString('hex')}`);
    await mkdir(draft, { mode: 0o700 });
    await writeFile(join(draft, 'request.json'), JSON.stringify(request));
    try {
      await rename(draft, this.folder(request.name));
      return true;
    } catch (error) {
      await rm(draft, { recursive: true });
      if (['ENOTEMPTY', 'EEXIST'].includes(String((error as NodeJS.ErrnoException).code))) return false;
      throw error;
    }
  }

  async request(name: string): Promise<JobRequest | undefined> {
    const text = await this.read(name, 'request.json');
    return text === undefined ? undefined : (JSON.parse(text) as JobRequest);
  }

  isOpen = (name: string): Promise<boolean> =>
    access(join(this.root, 'open', name)).then(
      () => true,
      () => false,
    );

  async openRequest(name: string): Promise<JobRequest | undefined> {
    return (await this.isOpen(name)) ? this.request(name) : undefined;
  }

  async replaceRequest(request: JobRequest): Promise<void> {
    const draft = join(this.folder(request.name), `request.json.${randomBytes(4).toString('hex')}`);
    await writeFile(draft, JSON.stringify(request));
    await rename(draft, join(this.folder(request.name), 'request.json'));
  }

  /** The process that runs the Job. `'nobody'` if it was cancelled before its start. Undefined while it waits. */
  async claimant(name: string): Promise<ProcessIdentity | 'nobody' | undefined> {
    const text = await this.read(name, 'process');
    if (text === undefined) return undefined;
    const [pid = '', startedAt = ''] = text.split('\n');
    return pid === 'nobody' ? 'nobody' : { pid: Number(pid), startedAt };
  }

  /** Claims a waiting Job, so that no process can start it. False if another process was faster. */
  async claimForNobody(name: string): Promise<boolean> {
    const claim = join(this.folder(name), 'claim.nobody');
    await writeFile(claim, 'nobody\n');
    return link(claim, join(this.folder(name), 'process')).then(
      () => true,
      () => false,
    );
  }

  async exitCode(name: string): Promise<number | undefined> {
    const text = await this.read(name, 'exit');
    return text?.endsWith('\n') ? Number(text) : undefined;
  }

  outcome = (name: string): Promise<string | undefined> => this.read(name, 'outcome.json');

  /** Idempotent: the first cause stays. */
  async recordCancel(name: string, cause: CancelCause, reason: string): Promise<void> {
    await writeFile(join(this.folder(name), 'cancelled.json'), JSON.stringify({ cause, reason }), { flag: 'wx' }).catch(
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      },
    );
  }

  async cancelled(name: string): Promise<{ cause: CancelCause; reason: string } | undefined> {
    const text = await this.read(name, 'cancelled.json');
    return text ? (JSON.parse(text) as { cause: CancelCause; reason: string }) : undefined;
  }

  async logTail(name: string, maximumBytes: number): Promise<string> {
    const file = await open(join(this.folder(name), 'log')).catch(() => undefined);
    if (file === undefined) return '';
    try {
      const { size } = await file.stat();
      const start = Math.max(0, size - maximumBytes);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, maximumBytes)), { position: start });
      const text = buffer.toString('utf8', 0, bytesRead);
      return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
    } finally {
      await file.close();
    }
  }

  openNames = (): Promise<string[]> => readdir(join(this.root, 'open'));

  async acknowledge(name: string): Promise<void> {
    await Promise.all(
      [this.doneMarker(name), join(this.root, 'open', name)].map((path) => unlink(path).catch(unlessMissing)),
    );
  }

  private async read(name: string, file: string): Promise<string | undefined> {
    return readFile(join(this.folder(name), file), 'utf8').catch(unlessMissing);
  }
}

function unlessMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
