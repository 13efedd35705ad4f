/** Finds errors in the files that CI hosts read: GitHub's with GitHub's own parser, sourcehut's by its documentation. */
import { register } from 'node:module';
import { parse } from 'yaml';

// The package is made for bundlers: it imports its JSON schemas without the import attribute that Node requires.
const hook = `import { readFile } from 'node:fs/promises';
export async function load(url, context, next) {
  if (!url.endsWith('.json') || !url.includes('/@actions/')) return next(url, context);
  return { format: 'module', shortCircuit: true, source: 'export default ' + await readFile(new URL(url), 'utf8') };
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const { parseAction } = await import('@actions/workflow-parser/actions/action-parser');
const { convertActionTemplate } = await import('@actions/workflow-parser/actions/action-template');
const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } =
  await import('@actions/workflow-parser/index');

/** Returns the errors of a file in `.github/workflows/`; none if GitHub would run it. */
export async function findWorkflowErrors(text: string, name = 'workflow.yml'): Promise<string[]> {
  const { context, value } = parseWorkflow({ name, content: text }, new NoOperationTraceWriter());
  // The conversion checks what no schema can: jobs that `needs` names, values of a matrix.
  if (value !== undefined) await convertWorkflowTemplate(context, value);
  return context.errors.getErrors().map((error) => error.message);
}

/** Returns the errors of an `action.yml`. */
export function findActionErrors(text: string, name = 'action.yml'): string[] {
  const { context, value } = parseAction({ name, content: text }, new NoOperationTraceWriter());
  if (value !== undefined) convertActionTemplate(context, value);
  return context.errors.getErrors().map((error) => error.message);
}

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string' && value !== '';
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const mapOf =
  (check: Check): Check =>
  (value) =>
    isMap(value) && Object.values(value).every(check);

const isTask: Check = (value) => {
  if (!isMap(value)) return false;
  const [entry, ...more] = Object.entries(value);
  return entry !== undefined && more.length === 0 && /^[a-z0-9_-]{1,128}$/.test(entry[0]) && isText(entry[1]);
};
const conditions: readonly unknown[] = ['always', 'failure', 'success'];

/** The keys and their values, from man.sr.ht/builds.sr.ht/manifest.md. */
const manifestKeys: Readonly<Record<string, Check>> = {
  image: isText,
  arch: isText,
  packages: listOf(isText),
  repositories: mapOf(isText),
  artifacts: listOf(isText),
  shell: (value) => typeof value === 'boolean',
  sources: listOf((value) => isText(value) && !/\s/.test(String(value))),
  tasks: (value) => listOf(isTask)(value) && (value as unknown[]).length > 0,
  triggers: listOf((value) => isMap(value) && isText(value.action) && conditions.includes(value.condition)),
  environment: mapOf(
    (value) => ['string', 'number', 'boolean'].includes(typeof value) || listOf(isText)(value),
  ),
  secrets: listOf(isText),
  oauth: isText,
  submitter: isMap,
};

/** Returns the errors of a file in `.builds/`; none if builds.sr.ht would run it. */
export function findManifestErrors(text: string): string[] {
  const manifest: unknown = parse(text);
  if (!isMap(manifest)) return ['the manifest is not a map'];
  const errors = ['image', 'tasks'].filter((key) => !(key in manifest)).map((key) => `${key} is missing`);
  for (const [key, value] of Object.entries(manifest)) {
    const check = Object.hasOwn(manifestKeys, key) ? manifestKeys[key] : undefined;
    if (check === undefined) errors.push(`unknown key ${key}`);
    else if (!check(value)) errors.push(`invalid value of ${key}`);
  }
  const tasks = Array.isArray(manifest.tasks) ? (manifest.tasks as unknown[]).filter(isMap) : [];
  const names = tasks.flatMap((task) => Object.keys(task));
  if (new Set(names).size < names.length) errors.push('duplicate task');
  return errors;
}
