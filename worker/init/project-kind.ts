/** Suggests jobs for a repo from the files in its root. Pure. */

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

/** The files in the root of a repo. */
export interface RepoFiles {
  readonly names: ReadonlySet<string>;
  /** returns the content of a file, or an empty text if it does not exist */
  readonly text: (name: string) => string;
}

type Kind = (files: RepoFiles) => SuggestedJob | undefined;

const task = (name: string, run: string, results?: string): SuggestedTask => ({
  ...{ name, run },
  ...(results !== undefined && { results }),
});

/** The first task of every job: it prints where the job ran. */
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
  const scripts = listScripts(text('package.json'));
  const [program, install]: readonly [string, string] = names.has('pnpm-lock.yaml')
    ? ['pnpm', 'corepack enable && pnpm install --frozen-lockfile']
    : names.has('yarn.lock')
      ? ['yarn', 'corepack enable && yarn install --frozen-lockfile']
      : [
          'npm',
          names.has('package-lock.json') ? 'npm ci --no-audit --no-fund' : 'npm install --no-audit --no-fund',
        ];
  const known = ['build', 'typecheck', 'types', 'lint', 'format:check', 'test'];
  const chosen = known.filter((name) => scripts.has(name));
  return job(
    'node',
    'docker.io/library/node:20',
    task('install', install),
    ...chosen.map((name) => task(name.replace(':', '-'), `${program} run ${name}`)),
  );
};

/** Lists the scripts of package.json, without npm's placeholder for tests. */
function listScripts(json: string): ReadonlySet<string> {
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
  const configuration = [...project, ...requirements, 'tox.ini', 'pytest.ini']
    .map((name) => text(name))
    .join('\n');
  // pytest is the better default: it also runs unittest's cases, while unittest skips a folder `tests` without __init__.py.
  const hasTests = [...names].some((name) => /^tests?$|^test_.*\.py$|_test\.py$/.test(name));
  const usesPytest =
    hasTests || /\bpytest\b/.test(configuration) || names.has('conftest.py') || names.has('pytest.ini');
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

/** Reads the targets of GNUmakefile, Makefile or makefile. */
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

/** Only the first build system that matches is used; each other kind adds a job. */
const buildSystems: readonly Kind[] = [autotools, cmake, meson, make];
const others: readonly Kind[] = [node, rust, go, python, maven, gradle, ruby];

/** The job for a repo of an unknown kind. */
export const placeholderJob = job('look', 'docker.io/library/debian:12', task('files', 'ls -la'));

/** Suggests the jobs of a repo: at least `placeholderJob`. */
export function suggestJobs(files: RepoFiles): readonly SuggestedJob[] {
  const found = others.flatMap((kind) => kind(files) ?? []);
  const built = buildSystems.map((kind) => kind(files)).find((suggested) => suggested !== undefined);
  // A Makefile next to the build tool of another language usually just calls that tool.
  const isWrapper = built?.name === 'make' && found.length > 0;
  const jobs = built === undefined || isWrapper ? found : [built, ...found];
  return jobs.length > 0 ? jobs : [placeholderJob];
}
