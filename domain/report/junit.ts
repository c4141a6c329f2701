export interface JunitSuite {
  readonly name: string;
  /** The subject of the suite, such as a model. */
  readonly package: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly cases: readonly JunitCase[];
  /** Additional text beside the cases. */
  readonly output?: string;
}

export interface JunitCase {
  readonly name: string;
  readonly seconds?: number;
  /** `failure`: the case did not meet its requirement. `error`: the case could not be decided. */
  readonly failed?: { readonly as: 'failure' | 'error'; readonly type: string; readonly message: string };
  /** The reason why the case did not run. */
  readonly skipped?: string;
}

/**
 * JUnit XML that is valid by the schemas of both Ant, which is strict, and Jenkins, which most readers of such files
 * expect. Any text is safe in it: characters that XML forbids become U+FFFD.
 */
export const toJunitXml = (suites: readonly JunitSuite[], at: Date): string =>
  [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    ...suites.map((suite, id) => suiteOf(suite, id, at)),
    '</testsuites>',
    '',
  ].join('\n');

function suiteOf({ name, package: of, properties, cases, output = '' }: JunitSuite, id: number, at: Date): string {
  const counted = {
    tests: cases.length,
    failures: cases.filter(({ failed }) => failed?.as === 'failure').length,
    errors: cases.filter(({ failed }) => failed?.as === 'error').length,
    skipped: cases.filter(({ failed, skipped }) => !failed && skipped !== undefined).length,
  };
  const time = seconds(cases.reduce((all, one) => all + (one.seconds ?? 0), 0));
  // Ant's schema allows no time zone. It requires a host name, although the host does not matter for a stage.
  const about = { package: of, id: String(id), name, timestamp: at.toISOString().slice(0, 19), hostname: 'tuneline' };
  return [
    `<testsuite${attributes({ ...about, ...counted, time })}>`,
    '<properties>',
    ...Object.entries(properties).map(([key, value]) => `<property${attributes({ name: key, value })}/>`),
    '</properties>',
    ...cases.map((one) => caseOf(one, `${of}.${name}`)),
    `<system-out>${escape(output)}</system-out>`,
    '<system-err></system-err>',
    '</testsuite>',
  ].join('\n');
}

function caseOf({ name, failed, skipped, ...one }: JunitCase, classname: string): string {
  const open = `<testcase${attributes({ name, classname, time: seconds(one.seconds ?? 0) })}`;
  if (failed)
    return `${open}><${failed.as}${attributes({ message: firstLine(failed.message), type: failed.type })}>${escape(failed.message)}</${failed.as}></testcase>`;
  return skipped === undefined ? `${open}/>` : `${open}><skipped${attributes({ message: skipped })}/></testcase>`;
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';
const seconds = (time: number): string => time.toFixed(3);

const attributes = (values: Readonly<Record<string, string | number>>): string =>
  Object.entries(values)
    .map(
      ([name, value]) =>
        ` ${name}="${escape(String(value)).replace(/["\t\n]/g, (character) => entities[character] ?? '')}"`,
    )
    .join('');

/** Line breaks and tabs in an attribute would be read as blanks. */
const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\r': '&#13;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
};

const escape = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>\r]/g, (character) => entities[character] ?? '');
