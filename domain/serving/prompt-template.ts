/** The same placeholders as in `jobs/tuneline_jobs/data/prompt_template.py`, so that a client is served the prompt that was trained. */
const placeholder = /\{\{\s*([^{}]*?)\s*\}\}/g;

export type Rendered =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly missing: readonly string[] };

/** Columns that the template names, each once. */
export const columnsOf = (template: string): readonly string[] => [
  ...new Set([...template.matchAll(placeholder)].map(([, column]) => column ?? '')),
];

/** The template with its placeholders replaced in one pass: a value's own braces stay as they are. */
export function renderPrompt(template: string, variables: Readonly<Record<string, string>>): Rendered {
  const missing = columnsOf(template).filter((column) => !Object.hasOwn(variables, column));
  return missing.length > 0
    ? { ok: false, missing }
    : { ok: true, text: template.replace(placeholder, (_, column: string) => variables[column] ?? '') };
}
