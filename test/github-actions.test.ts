import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { must, repoRoot, run, type CommandEnd } from './command.js';
import { openEngine, type TestEngine } from './engines.js';
import { makeRepo } from './git-repo.js';
import { startServer, type RunningServer } from './soil-server.js';

interface Step {
  readonly id?: string;
  readonly shell: string;
  readonly run: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly 'working-directory'?: string;
}
interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string; readonly required: boolean }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly steps: readonly Step[] };
}

interface ActionEnd extends CommandEnd {
  readonly outputs: Readonly<Record<string, string | undefined>>;
  readonly summary: string;
}

const breaks = `printf 'src/a.c:3:5: error: no \\033[31msuch\\033[0m thing\\n'
echo '::set-output name=x::y'
echo '##[add-path]/evil'
echo '::stop-commands::all'
exit 2`;

/** Runs the steps of action.yml as GitHub's runner does: inputs become variables, `shell: sh` is `sh -e FILE`. */
describe('uses: OWNER/soil@v1', () => {
  let engine: TestEngine;
  let server: RunningServer;
  let repo: string;
  let temporary: string;
  let runs = 0;
  before(async () => {
    [engine, server] = await Promise.all([openEngine('podman'), startServer()]);
    temporary = await mkdtemp(join(tmpdir(), 'soil-action-'));
    const task = (name: string, text: string): string =>
      `      - name: ${name}\n        run: |\n${text.replace(/^/gm, '          ')}\n`;
    const job = (name: string, image: string, tasks: string): string =>
      `  ${name}:\n    image: ${image}\n    network: none\n    tasks:\n${tasks}`;
    const image = `${engine.image}\n    pull: never`;
    repo = await makeRepo({
      'soil.yml':
        'project: p\njobs:\n' +
        job('good', image, task('unit', 'echo fine')) +
        job('bad', image, task('compile', breaks) + task('quiet', 'exit 3') + task('later', 'echo later')) +
        job('none', 'localhost/soil-no-such-image\n    pull: never', task('unit', 'echo fine')),
    });
  });
  after(async () => {
    await Promise.all([engine.close(), server.close()]);
    await Promise.all([repo, temporary].map((folder) => rm(folder, { recursive: true, force: true })));
  });

  async function use(inputs: Readonly<Record<string, string>>, actionFolder = repoRoot): Promise<ActionEnd> {
    const action = parse(await readFile(join(actionFolder, 'action.yml'), 'utf8')) as Action;
    for (const name of Object.keys(inputs)) assert.ok(name in action.inputs, name);
    runs += 1;
    const folder = join(temporary, String(runs));
    await mkdir(folder);
    const commandFile = async (name: string): Promise<string> => {
      const file = join(folder, name);
      await writeFile(file, '');
      return file;
    };
    const [summary, output] = [await commandFile('summary'), await commandFile('output')];
    const fill = (text: string): string =>
      text.replace(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_, name: string) => {
        const value = inputs[name] ?? action.inputs[name]?.default;
        assert.ok(value !== undefined, name);
        return value;
      });
    const env = {
      ...engine.environment,
      ...{ CI: 'true', GITHUB_ACTIONS: 'true', GITHUB_ACTION_PATH: actionFolder, GITHUB_WORKSPACE: repo },
      ...{ GITHUB_RUN_NUMBER: String(runs), GITHUB_RUN_ID: String(9000 + runs), GITHUB_RUN_ATTEMPT: '1' },
      ...{ GITHUB_SHA: (await must('git', ['-C', repo, 'rev-parse', 'HEAD'])).trim() },
      ...{ GITHUB_REF: 'refs/heads/main', GITHUB_EVENT_NAME: 'push', GITHUB_WORKFLOW: 'ci' },
      ...{ GITHUB_REPOSITORY: 'owner/name', GITHUB_SERVER_URL: 'https://github.example' },
      ...{ GITHUB_STEP_SUMMARY: summary, GITHUB_OUTPUT: output },
    };
    const all = { status: 0 as number | null, stdout: '', stderr: '' };
    for (const step of action.runs.steps) {
      assert.doesNotMatch(step.run, /\$\{\{/, 'no script contains an input');
      assert.equal(step.shell, 'sh');
      const script = join(folder, 'step.sh');
      await writeFile(script, step.run);
      const own = Object.fromEntries(Object.entries(step.env ?? {}).map(([k, v]) => [k, fill(v)]));
      const end = await run('sh', ['-e', script], {
        ...{ cwd: join(repo, fill(step['working-directory'] ?? '.')), env: { ...env, ...own } },
        timeoutSeconds: 300,
      });
      all.status = end.status;
      all.stdout += end.stdout;
      all.stderr += end.stderr;
      if (end.status !== 0) break; // a step that fails ends a composite action
    }
    const lines = (await readFile(output, 'utf8')).split('\n').filter((line) => line !== '');
    const values = new Map(
      lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    const outputs = Object.fromEntries(
      Object.entries(action.outputs).map(([name, { value }]) => [
        name,
        values.get(/steps\.run\.outputs\.(\w+)/.exec(value)?.[1] ?? ''),
      ]),
    );
    return { ...all, outputs, summary: await readFile(summary, 'utf8') };
  }
  const published = () => ({ server: server.url, token: server.token });

  it('runs a job in its container, publishes it, and outputs outcome and address', async () => {
    const end = await use({ job: 'good', ...published() });
    assert.equal(end.status, 0, end.stdout + end.stderr);
    const url = `${server.url}github-jobs/${runs}/`;
    assert.deepEqual(end.outputs, { outcome: 'passed', status: '0', url, urls: url });
    assert.match(await (await fetch(url)).text(), /good/);
    assert.match(end.summary, /### good: passed/);
    assert.ok(end.summary.includes(`<${url}>`));
    assert.match(end.stdout, /^::group::passed +\S+ s {2}unit\n\| fine\n::endgroup::$/m);
    assert.doesNotMatch(end.stdout, /::error/);
  });

  it('publishes a failed job, annotates its errors, and runs no command that a log contains', async () => {
    const end = await use({ job: 'bad', ...published() });
    assert.equal(end.status, 3, end.stdout + end.stderr);
    assert.equal(end.outputs.outcome, 'failed');
    assert.equal((await fetch(end.outputs.url ?? '')).status, 200);
    assert.match(end.stdout, /^::error file=src\/a\.c,line=3,col=5,title=bad%3A compile::no such thing$/m);
    assert.match(end.stdout, /^::error title=bad%3A quiet::failed, status 3$/m);
    assert.match(end.summary, /\| failed \| 2 \|.*compile/);
    assert.match(
      end.summary,
      /<summary>compile: the whole log<\/summary>\n\n<pre>\nsrc\/a\.c:3:5: error: no such thing\n/,
    );
    const commands = end.stdout.split('\n').flatMap((line) => /^\s*::([a-z-]+)/.exec(line)?.[1] ?? []);
    assert.deepEqual([...new Set(commands)].sort(), ['endgroup', 'error', 'group']);
    assert.doesNotMatch(end.stdout + end.stderr, /##\[/);
  });

  it('publishes a job whose image is missing as an error', async () => {
    const end = await use({ job: 'none', ...published() });
    assert.equal(end.status, 125);
    assert.equal(end.outputs.outcome, 'error');
    assert.match(end.stdout, /^::error title=none::cannot use image "localhost\/soil-no-such-image"/m);
    assert.match(end.summary, /### none: error\n/);
    assert.equal((await fetch(`${server.url}github-jobs/${runs}/none.json`)).status, 200);
  });

  it('runs and publishes several jobs, and exits with the worst status', async () => {
    const end = await use({ job: 'none  good bad', ...published() });
    assert.equal(end.status, 125);
    assert.match(
      end.stdout,
      /^3 jobs:\nnone +error +status 125 +http.*\ngood +passed +status 0 +http.*\nbad +failed +status 3 +http/m,
    );
    for (const job of ['none', 'good', 'bad']) {
      assert.equal((await fetch(`${server.url}github-jobs/${runs}/${job}.json`)).status, 200, job);
      assert.match(end.summary, new RegExp(`### ${job}: `));
    }
    assert.equal(end.outputs.outcome, 'error');
    const wrong = await use({ job: 'good no-such-job', ...published() });
    assert.equal(wrong.status, 2, 'nothing ran');
    assert.match(wrong.stderr, /soil\.yml has no such job/);
    assert.doesNotMatch(wrong.stdout, /fine/);
  });

  it('without a server, runs the job and reports that nothing is published; the shell does not interpret inputs', async () => {
    const end = await use({ job: 'good', engine: 'podman' });
    assert.equal(end.status, 0, end.stderr);
    assert.match(end.stdout, /the results are not published/);
    assert.equal(end.outputs.url, '');
    const odd = await use({ job: '$(touch${IFS}owned) --help *' });
    assert.equal(odd.status, 2);
    assert.match(odd.stderr, /cannot accept job "\$\(touch\$\{IFS\}owned\)"/);
    assert.equal((await use({ job: ' ' })).status, 2);
    assert.equal(await must('git', ['-C', repo, 'status', '--porcelain']), '');
  });

  it('builds itself in a fresh checkout of the action', async () => {
    const fresh = join(temporary, 'action');
    const files = await must('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: repoRoot,
    });
    for (const file of files.split('\0').filter((name) => name !== '')) {
      await cp(join(repoRoot, file), join(fresh, file), { recursive: true });
    }
    const end = await use({ job: 'good' }, fresh);
    assert.equal(end.status, 0, end.stdout + end.stderr);
    assert.match(end.stdout, /job passed, status 0/);
  });
});
