/**
 * The same placeholders as in `jobs/tuneline_jobs/data/prompt_template.py`, so that serving uses the prompt from
 * training.
 */
const placeholder = /\{\{\s*([^{}]*?)\s*\}\}/g;

export type Rendered =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly missing: readonly string[] };

/** The columns that the template names, each once. */
export const columnsOf = (template: string): readonly string[] => [
  ...new Set([...template.matchAll(placeholder)].map(([, column]) => column ?? '')),
];

/** Replaces the placeholders in one pass, so that braces inside a value stay as they are. */
export function renderPrompt(template: string, variables: Readonly<Record<string, string>>): Rendered {
  const missing = columnsOf(template).filter((column) => !Object.hasOwn(variables, column));
  return missing.length > 0
    ? { ok: false, missing }
    : { ok: true, text: template.replace(placeholder, (_, column: string) => variables[column] ?? '') };
}
