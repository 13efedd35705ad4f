import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { must, run, soilServer } from './command.js';
import { checkPage } from './html-check.js';
import { makeSite, serveConfig, type ServedSite } from './soil-server.js';
import { commit, formOf, shellJob } from './upload-form.js';

let folder: string;
let server: ServedSite;
const tokens: Record<string, string> = {};
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soil-projects-'));
  for (const name of ['oils', 'other']) tokens[name] = await makeSite(join(folder, name));
  await writeFile(
    join(folder, 'soil-server.yml'),
    `title: Two projects
projects:
  /oils: { site: oils, title: "Oils <for> Unix" }
  /team/other: { site: other, limits: { json: 200 } }
`,
  );
  server = await serveConfig(join(folder, 'soil-server.yml'));
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const authorized = (name: string) => ({ Authorization: `Bearer ${tokens[name] ?? ''}` });

const post = async (path: string, name: string, body?: FormData): Promise<Response> =>
  fetch(new URL(path, server.url), { method: 'POST', headers: authorized(name), ...(body && { body }) });

const get = async (path: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(new URL(path, server.url));
  return { status: response.status, text: await response.text() };
};

test('every route works below its prefix, and no project shows files of another', async () => {
  const job = await shellJob();
  const query = 'results?jobName=dev-minimal&workerHost=github';
  const stored = await post(`oils/${query}`, 'oils', formOf(job));
  assert.equal(stored.status, 201);
  assert.equal((await get('oils/github-jobs/1234/dev-minimal.json')).text, job.json);
  assert.match((await get('oils/github-jobs/1234/dev-minimal.wwz/')).text, /a job/);
  assert.match((await get('oils/')).text, /Oils &lt;for&gt; Unix/);
  assert.equal((await get('oils/web/style.css')).status, 200);
  assert.equal((await get('team/other/github-jobs/1234/dev-minimal.json')).status, 404);
  assert.equal((await get('github-jobs/1234/dev-minimal.json')).status, 404);

  const event = 'event?eventName=start&workerHost=github&runId=77&runNumber=7&jobName=unit';
  assert.equal((await post(`team/other/${event}`, 'other')).status, 200);
  assert.match((await get('team/other/github-jobs/7/')).text, /unit/);
  assert.equal((await get('oils/github-jobs/7/')).status, 404);

  const artifact = await fetch(new URL(`team/other/artifacts/github/${commit}/a.txt`, server.url), {
    ...{ method: 'PUT', headers: authorized('other'), body: 'artifact' },
  });
  assert.equal(artifact.status, 201);
  assert.equal((await get(`team/other/github-jobs/commits/${commit}/a.txt`)).text, 'artifact');
  assert.match((await get('oils/wwup.cgi')).text, /wwup\.cgi accepts/);
});

test('each project has its own limits', async () => {
  const job = await shellJob({ GITHUB_RUN_ID: '2' });
  const refused = await post(
    'team/other/results?jobName=dev-minimal&workerHost=github',
    'other',
    formOf(job),
  );
  assert.equal(refused.status, 413);
  assert.match(await refused.text(), /\\"json\\": it has more than 200 bytes/);
});

test('a token of one project gets 401 from another', async () => {
  const query = 'results?jobName=dev-minimal&workerHost=github';
  const job = formOf(await shellJob());
  assert.equal((await post(`oils/${query}`, 'other', job)).status, 401);
  assert.equal((await post(`team/other/${query}`, 'oils', job)).status, 401);
  assert.equal((await post('oils/event?eventName=start', 'other')).status, 401);
  const artifact = await fetch(new URL(`oils/artifacts/github/${commit}/a.txt`, server.url), {
    ...{ method: 'PUT', headers: authorized('other'), body: 'x' },
  });
  assert.equal(artifact.status, 401);
});

test('no path leads from one project into another', async () => {
  const { port } = new URL(server.url);
  const paths = [
    ...['/oils/../team/other/', '/oils/%2e%2e/team/other/index.html', '/oils/..%2fother/index.html'],
    ...['/oils/../other/.soil/tokens.json', '/oils/.soil/tokens.json', '/oils//team/other/', '/oilsx/'],
    ...['/OILS/', '/%6fils/', '/oils%2findex.html', '/team/', '/team/otherx/'],
  ];
  for (const path of paths) {
    // curl sends the path unchanged.
    const url = `http://127.0.0.1:${port}${path}`;
    const status = await must('curl', ['-s', '--path-as-is', '-o', '/dev/null', '-w', '%{http_code}', url]);
    assert.equal(status, '404', path);
  }
});

test('a prefix without a slash redirects to the one with it; the root is a page of all projects', async () => {
  const bare = await fetch(new URL('team/other?a=1', server.url), { redirect: 'manual' });
  assert.equal(bare.status, 301);
  assert.equal(bare.headers.get('Location'), './other/?a=1');
  assert.equal((await get('team/other')).status, 200);

  const page = await fetch(server.url);
  const html = await page.text();
  assert.match(page.headers.get('Content-Security-Policy') ?? '', /default-src 'self'/);
  assert.deepEqual(checkPage(html).faults, []);
  assert.match(html, /<a href="\.\/oils\/index\.html"><bdi>Oils &lt;for&gt; Unix<\/bdi>/);
  assert.match(html, /<a href="\.\/team\/other\/index\.html"><bdi>Soil<\/bdi>/);
  assert.equal((await get('oils/index.html')).status, 200);
  assert.equal((await get('web/style.css')).text, (await get('oils/web/style.css')).text);
  assert.equal((await post('', 'oils')).status, 405);
});

test('/metrics and /readyz cover all projects at the root, and one project below its prefix', async () => {
  for (const path of ['healthz', 'readyz', 'oils/healthz', 'oils/readyz']) {
    assert.deepEqual(await get(path), { status: 200, text: 'ok\n' });
  }
  const all = (await get('metrics')).text;
  assert.match(all, /^soil_uploads_total\{project="\/oils",result="new"\} 1$/m);
  assert.match(all, /^soil_events_total\{project="\/team\/other",name="start"\} 1$/m);
  assert.match(all, /^soil_rewrite_seconds_bucket\{project="\/oils",le="\+Inf"\} [1-9]/m);
  for (const gauge of ['queue_length', 'disk_free_bytes', 'uploads_under_way']) {
    assert.match(all, new RegExp(`^soil_${gauge}\\{project="/oils"\\} \\d+$`, 'm'));
  }
  // The format requires each family once, with its samples together.
  const families = [...all.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
  assert.equal(new Set(families).size, families.length);
  let family = '';
  for (const line of all.trimEnd().split('\n').slice(0, -1)) {
    family = /^# TYPE (\S+)/.exec(line)?.[1] ?? family;
    assert.ok(line.startsWith('# ') ? line.includes(` ${family} `) : line.startsWith(family), line);
  }
  const one = (await get('oils/metrics')).text;
  assert.match(one, /project="\/oils"/);
  assert.doesNotMatch(one, /other/);
});

test('the log has one line for each request, with its id, project and token id', () => {
  const lines = server
    .log()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const stored = lines.find(({ path, status }) => path === '/oils/results' && status === 201);
  assert.match(String(stored?.id), /^[0-9a-f]{12}$/);
  assert.equal(stored?.project, '/oils');
  assert.equal(stored.token, 'test');
  assert.equal(typeof stored.ms, 'number');
  for (const token of Object.values(tokens)) assert.ok(!server.log().includes(token.slice(-20)));
});

test('the title is stored with the site, so that check finds its pages correct', async () => {
  await server.stop();
  const checked = await run(process.execPath, [soilServer, 'check', join(folder, 'oils')]);
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  assert.match(await readFile(join(folder, 'oils', 'index.html'), 'utf8'), /Oils &lt;for&gt; Unix/);
  server = await serveConfig(join(folder, 'soil-server.yml'));
});

test('--log-format text logs the same in a format for people', async () => {
  const text = join(folder, 'text.yml');
  await server.stop();
  await writeFile(text, 'log: text\nprojects:\n  /: { site: oils }\n');
  server = await serveConfig(text);
  // A project at / serves that path, but /healthz remains the server's.
  assert.match((await get('')).text, /Oils &lt;for&gt; Unix/);
  assert.equal((await get('healthz')).status, 200);
  await server.stop();
  assert.match(server.log(), /^\d{4}-\S+Z GET \/ 200 \d+ms id=[0-9a-f]{12} project=\/$/m);
  server = await serveConfig(join(folder, 'soil-server.yml'));
});

test('serve --config refuses an invalid file, a missing one, and one together with --site', async () => {
  const bad = join(folder, 'bad.yml');
  await writeFile(bad, 'projects:\n  /a: { sites: x }\n');
  const table: [readonly string[], RegExp][] = [
    [['--config', bad], /bad\.yml:2:9: cannot accept key "sites" in project "\/a"/],
    [['--config', join(folder, 'none.yml')], /cannot read ".*none\.yml": no such file or directory$/m],
    [['--config', bad, '--site', folder], /--config and --site cannot be combined/],
    [['--site', folder, '--log-format', 'xml'], /log "xml": it must be one of json, text/],
  ];
  for (const [args, pattern] of table) {
    const end = await run(process.execPath, [soilServer, 'serve', ...args]);
    assert.equal(end.status, 2);
    assert.match(end.stderr, pattern);
  }
});
