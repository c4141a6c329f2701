import type { FinishedRun, RegisteredVersion, Tracking } from '../../domain/lineage/tracking.ts';

interface Holds {
  /** Found by whatever tag is looked for. */
  readonly finishedRun?: FinishedRun;
  readonly champion?: RegisteredVersion;
  /** Of every prompt version. */
  readonly prompt?: string;
  /** Of every run, by path. */
  readonly texts?: Readonly<Record<string, string>>;
}

/** A tracking server that notes what changes: the method's name, then its arguments. */
export function fakeTracking({ finishedRun, champion, prompt, texts = {} }: Holds = {}, changes: unknown[][] = []) {
  const note = <T>(change: unknown[], answer: T): Promise<T> => {
    changes.push(change);
    return Promise.resolve(answer);
  };
  const tracking: Tracking = {
    openRun: (run) => note(['openRun', run], 'job-run'),
    findFinishedRun: () => Promise.resolve(finishedRun),
    setTags: (...args) => note(['setTags', ...args], undefined),
    putText: (...args) => note(['putText', ...args], undefined),
    readText: (_runId, path) => Promise.resolve(texts[path]),
    logFigures: (...args) => note(['logFigures', ...args], undefined),
    startedAtMs: () => Promise.resolve(0),
    endRun: (...args) => note(['endRun', ...args], undefined),
    registerPrompt: (...args) => note(['registerPrompt', ...args], '1'),
    findPrompt: () => Promise.resolve(undefined),
    readPrompt: () => Promise.resolve(prompt),
    registerVersion: (version) => note(['registerVersion', version], '2'),
    readVersion: () => Promise.resolve(undefined),
    findVersions: () => Promise.resolve([]),
    aliasVersion: (_model, alias) => Promise.resolve(alias === 'champion' ? champion?.version : undefined),
    listModels: () => Promise.resolve([]),
    modelTags: () => Promise.resolve({}),
    setModelTag: (...args) => note(['setModelTag', ...args], undefined),
    removeModelTag: (...args) => note(['removeModelTag', ...args], undefined),
    findAlias: (_model, alias) => Promise.resolve(alias === 'champion' ? champion : undefined),
    setAlias: (...args) => note(['setAlias', ...args], undefined),
    removeAlias: (...args) => note(['removeAlias', ...args], undefined),
    setVersionTags: (...args) => note(['setVersionTags', ...args], undefined),
    removeVersionTag: (...args) => note(['removeVersionTag', ...args], undefined),
  };
  return { tracking, changes };
}
