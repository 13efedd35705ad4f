/** What a repo is, by the files at its root -> the jobs that it would want: image and tasks, as a beginning. Pure. */

export interface SuggestedTask {
  readonly name: string;
  readonly run?: string;
  readonly builtin?: string;
  readonly results?: string;
  readonly timeout?: string;
}

export interface SuggestedJob {
  readonly name: string;
  readonly image: string;
  readonly tasks: readonly SuggestedTask[];
}

/** The root of a repo: names of its files, and the text of those that are asked for. */
export interface RepoFiles {
  readonly names: ReadonlySet<string>;
  /** empty where there is no such file */
  readonly text: (name: string) => string;
}

type Kind = (files: RepoFiles) => SuggestedJob | undefined;

const task = (name: string, run: string, results?: string): SuggestedTask => ({
  ...{ name, run },
  ...(results !== undefined && { results }),
});

/** In every job: a reader's first question is where it ran. */
const osInfo: SuggestedTask = { name: 'os-info', builtin: 'os-info' };
const job = (
  name: string,
  image: string,
  ...tasks: readonly (SuggestedTask | undefined)[]
): SuggestedJob => ({
  ...{ name, image },
  tasks: [osInfo, ...tasks.filter((t) => t !== undefined)],
});
const apt = (...packages: readonly string[]): SuggestedTask =>
  task('packages', `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`);

const node: Kind = ({ names, text }) => {
  if (!names.has('package.json')) return undefined;
  const scripts = scriptsOf(text('package.json'));
  const [program, install]: readonly [string, string] = names.has('pnpm-lock.yaml')
    ? ['pnpm', 'corepack enable && pnpm install --frozen-lockfile']
    : names.has('yarn.lock')
      ? ['yarn', 'corepack enable && yarn install --frozen-lockfile']
      : [
          'npm',
          names.has('package-lock.json') ? 'npm ci --no-audit --no-fund' : 'npm install --no-audit --no-fund',
        ];
  const wanted = ['build', 'typecheck', 'types', 'lint', 'format:check', 'test'];
  const chosen = wanted.filter((name) => scripts.has(name));
  return job(
    'node',
    'docker.io/library/node:20',
    task('install', install),
    ...chosen.map((name) => task(name.replace(':', '-'), `${program} run ${name}`)),
  );
};

/** The names of the scripts; npm's own placeholder for a test is none. */
function scriptsOf(json: string): ReadonlySet<string> {
  try {
    const { scripts } = JSON.parse(json) as { readonly scripts?: Readonly<Record<string, unknown>> };
    const real = Object.entries(scripts ?? {}).filter(
      ([, run]) => !String(run).includes('no test specified'),
    );
    return new Set(real.map(([name]) => name));
  } catch {
    return new Set();
  }
}

const autotools: Kind = ({ names }) => {
  if (!names.has('configure.ac') && !names.has('configure.in')) return undefined;
  return job(
    'autotools',
    'docker.io/library/gcc:14',
    names.has('configure')
      ? undefined
      : task('autoreconf', names.has('autogen.sh') ? './autogen.sh' : 'autoreconf --force --install'),
    task('configure', './configure'),
    task('make', 'make -j"$(nproc)"'),
    task('check', 'make check', '**/test-suite.log'),
  );
};

const cmake: Kind = ({ names }) =>
  names.has('CMakeLists.txt')
    ? job(
        'cmake',
        'docker.io/library/debian:12',
        apt('cmake', 'g++', 'make'),
        task('configure', 'cmake -S . -B _build -DCMAKE_BUILD_TYPE=Release'),
        task('build', 'cmake --build _build --parallel'),
        task(
          'test',
          'ctest --test-dir _build --output-on-failure --output-junit ctest.xml',
          '_build/ctest.xml',
        ),
      )
    : undefined;

const meson: Kind = ({ names }) =>
  names.has('meson.build')
    ? job(
        'meson',
        'docker.io/library/debian:12',
        apt('meson', 'g++'),
        task('setup', 'meson setup _build'),
        task('compile', 'meson compile -C _build'),
        task('test', 'meson test -C _build --print-errorlogs', '_build/meson-logs/'),
      )
    : undefined;

const rust: Kind = ({ names }) => {
  if (!names.has('Cargo.toml')) return undefined;
  const locked = names.has('Cargo.lock') ? ' --locked' : '';
  return job(
    'rust',
    'docker.io/library/rust:1',
    task('build', `cargo build --all-targets${locked}`),
    task('test', `cargo test${locked}`),
  );
};

const go: Kind = ({ names, text }) => {
  if (!names.has('go.mod')) return undefined;
  const [, version = '1'] = /^go (\d+\.\d+)/m.exec(text('go.mod')) ?? [];
  return job(
    'go',
    `docker.io/library/golang:${version}`,
    task('vet', 'go vet ./...'),
    task('build', 'go build ./...'),
    task('test', 'go test ./...'),
  );
};

const python: Kind = ({ names, text }) => {
  const project = ['pyproject.toml', 'setup.py', 'setup.cfg'].filter((name) => names.has(name));
  const requirements = ['requirements.txt', 'requirements-dev.txt', 'requirements-test.txt'].filter((name) =>
    names.has(name),
  );
  if (project.length === 0 && requirements.length === 0) return undefined;
  const says = [...project, ...requirements, 'tox.ini', 'pytest.ini'].map((name) => text(name)).join('\n');
  // Without a word of pytest: it runs unittest's cases too, and unittest finds none in a folder `tests` that is no package.
  const hasTests = [...names].some((name) => /^tests?$|^test_.*\.py$|_test\.py$/.test(name));
  const usesPytest =
    hasTests || /\bpytest\b/.test(says) || names.has('conftest.py') || names.has('pytest.ini');
  const installable = names.has('setup.py') || /^\[(build-system|project)\]/m.test(text('pyproject.toml'));
  const words = [...(installable ? ['-e .'] : []), ...requirements.map((name) => `-r ${name}`)];
  if (usesPytest) words.push('pytest');
  return job(
    'python',
    'docker.io/library/python:3.12',
    words.length === 0 ? undefined : task('install', `python -m pip install --quiet ${words.join(' ')}`),
    usesPytest
      ? task('test', 'python -m pytest --junitxml=_test/pytest.xml', '_test/')
      : task('test', 'python -m unittest discover'),
  );
};

const maven: Kind = ({ names }) =>
  names.has('pom.xml')
    ? job(
        'maven',
        'docker.io/library/maven:3',
        task('verify', 'mvn --batch-mode verify', '**/target/surefire-reports/'),
      )
    : undefined;

const gradle: Kind = ({ names }) =>
  names.has('build.gradle') || names.has('build.gradle.kts')
    ? job(
        'gradle',
        'docker.io/library/gradle:8',
        task(
          'build',
          names.has('gradlew') ? './gradlew --no-daemon build' : 'gradle --no-daemon build',
          '**/build/reports/',
        ),
      )
    : undefined;

const ruby: Kind = ({ names }) =>
  names.has('Gemfile')
    ? job(
        'ruby',
        'docker.io/library/ruby:3.3',
        task('install', 'bundle install'),
        names.has('.rspec') || names.has('spec')
          ? task('test', 'bundle exec rspec')
          : task('test', 'bundle exec rake test'),
      )
    : undefined;

/** A Makefile that something else above writes is not asked; GNU's, BSD's and the plain name. */
const make: Kind = ({ names, text }) => {
  const file = ['GNUmakefile', 'Makefile', 'makefile'].find((name) => names.has(name));
  if (file === undefined) return undefined;
  const targets = new Set(
    [...text(file).matchAll(/^([A-Za-z0-9][\w.-]*(?: +[\w.-]+)*) *:(?![=:])/gm)].flatMap((m) =>
      (m[1] ?? '').split(/ +/),
    ),
  );
  const chosen = ['lint', 'check', 'test', 'tests'].filter((name) => targets.has(name));
  return job(
    'make',
    'docker.io/library/gcc:14',
    task('build', 'make -j"$(nproc)"'),
    ...chosen.map((name) => task(name, `make ${name}`)),
  );
};

/** The first of those that build the same tree; the others stand beside each other. */
const builders: readonly Kind[] = [autotools, cmake, meson, make];
const others: readonly Kind[] = [node, rust, go, python, maven, gradle, ruby];

/** For a repo of which nothing is known. */
export const placeholderJob = job('look', 'docker.io/library/debian:12', task('files', 'ls -la'));

/** The jobs of a repo; one that only looks around where nothing is known of it. */
export function suggestJobs(files: RepoFiles): readonly SuggestedJob[] {
  const found = others.flatMap((kind) => kind(files) ?? []);
  const built = builders.map((kind) => kind(files)).find((sketch) => sketch !== undefined);
  // A Makefile beside another language's own tool mostly calls that tool.
  const isWrapper = built?.name === 'make' && found.length > 0;
  const jobs = built === undefined || isWrapper ? found : [built, ...found];
  return jobs.length > 0 ? jobs : [placeholderJob];
}
