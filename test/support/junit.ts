import { readFileSync } from 'node:fs';
import { XmlDocument, XmlElement, XsdValidator } from 'libxml2-wasm';

const schema = readFileSync(new URL('junit.xsd', import.meta.url), 'utf8');

export interface ReadCase {
  readonly name: string;
  readonly time: number;
  /** Undefined: it passed. */
  readonly ended?: { readonly as: string; readonly type?: string; readonly message: string; readonly text: string };
}

export interface ReadSuite {
  readonly attributes: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
  readonly cases: readonly ReadCase[];
  readonly output: string;
}

/** What a reader of JUnit XML finds in it. Throws where it is not XML, or not valid. */
export function readJunit(xml: string): ReadSuite[] {
  const validator = XsdValidator.fromDoc(XmlDocument.fromString(schema));
  const document = XmlDocument.fromString(xml);
  try {
    validator.validate(document);
    return elements(document.root).map((suite) => ({
      attributes: attributesOf(suite),
      properties: Object.fromEntries(
        elements(suite, 'properties')
          .flatMap((properties) => elements(properties))
          .map((one) => [attribute(one, 'name'), attribute(one, 'value')]),
      ),
      cases: elements(suite, 'testcase').map(readCase),
      output: elements(suite, 'system-out')
        .map(({ content }) => content)
        .join(''),
    }));
  } finally {
    document.dispose();
    validator.dispose();
  }
}

function readCase(element: XmlElement): ReadCase {
  const [child] = elements(element);
  const read = { name: attribute(element, 'name'), time: Number(attribute(element, 'time')) };
  if (!child) return read;
  const { type } = attributesOf(child);
  return { ...read, ended: { as: child.name, type, message: attribute(child, 'message'), text: child.content } };
}

function elements(parent: XmlElement, name?: string): XmlElement[] {
  const found: XmlElement[] = [];
  for (let node = parent.firstChild; node; node = node.next)
    if (node instanceof XmlElement && (name === undefined || node.name === name)) found.push(node);
  return found;
}

const attributesOf = (element: XmlElement): Record<string, string> =>
  Object.fromEntries(element.attrs.map(({ name, value }) => [name, value]));
const attribute = (element: XmlElement, name: string): string => attributesOf(element)[name] ?? '';
