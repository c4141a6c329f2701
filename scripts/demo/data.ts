import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { renderPrompt } from '../../domain/serving/prompt-template.ts';

export interface Row {
  readonly description: string;
  readonly synopsis: string;
  /** Rows of one source stand on one side of the split. */
  readonly source_package: string;
}

/** Of one kind of descriptions: what the model may learn from, and what only clients ask. */
export interface Kind {
  readonly learnt: readonly Row[];
  readonly live: readonly Row[];
}

/** Short ones make for a short demonstration: what two cores train and answer is counted by tokens. */
const longestDescription = 260;

/** Two of three are of the new kind once it has joined; the split holds some of both out. */
const learntRows = { usual: 84, other: 168 };

/** The usual kind, and the one that clients come to ask for: in German, and what they want of it is the category, as JSON. */
export async function readKinds(folder: string): Promise<{ readonly usual: Kind; readonly other: Kind }> {
  const usual = await readKind(join(folder, 'package-descriptions.jsonl'), learntRows.usual);
  const other = await readKind(join(folder, 'app-descriptions-de.jsonl'), learntRows.other, (synopsis) =>
    JSON.stringify({ kategorie: synopsis.slice(1, synopsis.indexOf(']')) }),
  );
  return { usual, other };
}

/** The rows of a file stand in a random order, so that the first are as good a sample as any. */
async function readKind(
  path: string,
  learnt: number,
  answerOf = (synopsis: string): string => synopsis,
): Promise<Kind> {
  const rows = (await readFile(path, 'utf8'))
    .trim()
    .split('\n')
    .map(
      (line) => JSON.parse(line) as { description: string; synopsis: string; package: string; source_package?: string },
    )
    .filter(({ description }) => description.length <= longestDescription)
    .map(({ description, synopsis, package: name, source_package = name }): Row => ({
      description,
      synopsis: answerOf(synopsis),
      source_package,
    }));
  return { learnt: rows.slice(0, learnt), live: rows.slice(learnt) };
}

/** The file that the spec names, as a labelling team leaves it. */
export async function writeRows(path: string, rows: readonly Row[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

/** What clients ask: the usual kind, and from the drift on both, each as often as the training data has it then. */
export class Traffic {
  readonly #template: string;
  readonly #random: () => number;
  #kinds: readonly Kind[];

  constructor({
    template,
    usual,
    random = Math.random,
  }: {
    readonly template: string;
    readonly usual: Kind;
    readonly random?: () => number;
  }) {
    this.#template = template;
    this.#random = random;
    this.#kinds = [usual];
  }

  drift(to: Kind): void {
    this.#kinds = [...this.#kinds, to];
  }

  next = (): string => {
    const kind = this.#anyOf(this.#kinds.flatMap((one) => one.learnt.map(() => one)));
    const row = this.#anyOf(kind.live);
    const rendered = renderPrompt(this.#template, { description: row.description });
    if (!rendered.ok)
      throw new Error(`the prompt asks for ${rendered.missing.join(', ')}, which the rows of the demonstration lack`);
    return rendered.text;
  };

  #anyOf<T>(some: readonly T[]): T {
    const one = some[Math.floor(this.#random() * some.length)];
    if (one === undefined) throw new Error('the demonstration has no rows for its clients');
    return one;
  }
}
