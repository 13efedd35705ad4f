/** docs/openapi.yaml, with its references resolved, and a client that compares every answer with it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { repoRoot } from './command.js';

type Node = Readonly<Record<string, unknown>>;

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path' | 'header';
  readonly schema: Node;
}

interface Answer {
  readonly headers?: Readonly<Record<string, { readonly required?: boolean }>>;
  readonly content?: Readonly<Record<string, { readonly schema?: Node }>>;
}

export interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Node }>> };
  readonly responses: Readonly<Record<string, Answer>>;
}

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Node;
}

const file = join(repoRoot, 'docs', 'openapi.yaml');

/** Reads the document, with each `$ref` replaced by what it refers to. */
export const readOpenApi = (): OpenApi => resolved(file, parse(readFileSync(file, 'utf8'))) as OpenApi;

function resolved(path: string, root: unknown, node: unknown = root): unknown {
  if (Array.isArray(node)) return node.map((item) => resolved(path, root, item));
  if (typeof node !== 'object' || node === null) return node;
  const reference = (node as { readonly $ref?: unknown }).$ref;
  if (typeof reference !== 'string') {
    // The dialect of a schema file is not that of this document; our schemas have one meaning in both.
    const entries = Object.entries(node).filter(([key]) => key !== '$schema');
    return Object.fromEntries(entries.map(([key, value]) => [key, resolved(path, root, value)]));
  }
  const [name = '', pointer = ''] = reference.split('#');
  const target = name === '' ? path : join(dirname(path), name);
  const whole: unknown = name === '' ? root : parse(readFileSync(target, 'utf8'));
  const found = pointer
    .split('/')
    .slice(1)
    .reduce((at: unknown, key) => (at as Node | undefined)?.[key], whole);
  if (found === undefined) throw new Error(`cannot find "${reference}" of ${path}`);
  return resolved(target, whole, found);
}

/** A request, by an operation's path in the document and its real path. */
export interface ApiCall {
  readonly method: string;
  readonly template: string;
  readonly url: URL;
  readonly init?: RequestInit;
}

/** Sends requests, and checks status, content type, required headers and JSON body of each answer. */
export class CheckedClient {
  readonly #api: OpenApi;
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false });
  /** `METHOD TEMPLATE STATUS` of every answer; `*` for a method that the address does not have */
  readonly seen = new Set<string>();

  constructor(api: OpenApi) {
    this.#api = api;
  }

  async call({ method, template, url, init = {} }: ApiCall): Promise<Response> {
    const response = await fetch(url, { ...init, method, redirect: 'manual' });
    const text = await response.clone().text();
    const where = `${method} ${template} ${response.status}`;
    // The answer to a method that an address does not have is described at one of those that it has.
    const methods = this.#api.paths[template] ?? {};
    const own = methods[method.toLowerCase()];
    const answers = (own === undefined ? Object.values(methods) : [own]).map(
      ({ responses }) => responses[String(response.status)],
    );
    const answer = answers.find((one) => one !== undefined);
    assert.ok(answer, `${where} is not in docs/openapi.yaml: ${text}`);
    assert.match(response.headers.get('x-request-id') ?? '', /./, where);
    for (const [name, { required }] of Object.entries(answer.headers ?? {})) {
      if (required) assert.ok(response.headers.has(name), `${where}: no header ${name}`);
    }
    this.#checkBody(where, answer, { text, type: response.headers.get('content-type') });
    this.seen.add(`${own === undefined ? '*' : method} ${template} ${response.status}`);
    return response;
  }

  #checkBody(
    where: string,
    { content }: Answer,
    { text, type }: { readonly text: string; readonly type: string | null },
  ): void {
    if (text === '') return;
    const plain = type?.split(';')[0] ?? '';
    const media = content?.[plain] ?? content?.['*/*'];
    assert.ok(media, `${where}: content type ${plain} is not in docs/openapi.yaml`);
    if (media.schema === undefined) return;
    const validate = this.#ajv.compile(media.schema);
    const body: unknown = plain === 'application/json' ? JSON.parse(text) : text;
    assert.ok(validate(body), `${where}: ${text}\n${JSON.stringify(validate.errors, null, 1)}`);
  }
}
