/** `soil-worker doctor`: checks this machine and the server for everything that a job needs, and suggests fixes. */
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { checkEngine } from '../doctor/engine-check.js';
import { ok, type Finding } from '../doctor/finding.js';
import { checkPath, checkPolicy } from '../doctor/policy-check.js';
import { checkConfig, checkGit } from '../doctor/repo-check.js';
import { checkLimits, checkRootless } from '../doctor/rootless-check.js';
import { checkServer } from '../doctor/server-check.js';
import { readHostFacts } from '../doctor/host-facts.js';
import { chooseRepo } from '../config/load-job.js';
import { plain } from '../report/format-progress.js';
import { withoutHidden } from '../system/hidden-variables.js';

export interface DoctorOptions {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly config?: string;
  readonly engine?: 'podman' | 'docker';
  readonly json?: boolean;
}

/** Returns 0 when there are no problems, else 1. */
export async function doctorCommand(options: DoctorOptions, context: CommandContext): Promise<number> {
  const findings = await runChecks(options, context);
  const problems = findings.filter(({ state }) => state === 'problem');
  if (options.json === true) {
    context.print(JSON.stringify({ ok: problems.length === 0, findings }, null, 2));
  } else {
    for (const finding of findings)
      for (const line of formatFinding(finding, context.color)) context.print(line);
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    context.print(problems.length === 0 ? 'no problems found' : `${count}; see docs/troubleshooting.md`);
  }
  return problems.length === 0 ? exitStatus.ok : exitStatus.failed;
}

async function runChecks(options: DoctorOptions, context: CommandContext): Promise<Finding[]> {
  const { environment, cwd } = context;
  const system = await readHostFacts();
  const repo = await chooseRepo(context);
  const repoOptions = { environment, cwd, repo, system };
  context.status('checking the container engine');
  const engine = await checkEngine({
    ...{ environment: withoutHidden(environment), system },
    ...(options.engine !== undefined && { requested: options.engine }),
  });
  const isDocker = engine.some(({ state, text }) => state === 'ok' && text.startsWith('docker'));
  context.status('checking everything else');
  const rest = await Promise.all([
    checkLimits(system),
    checkRootless(system, environment, isDocker ? 'docker' : options.engine),
    checkGit(repoOptions),
    checkConfig({ ...repoOptions, ...(options.config !== undefined && { config: options.config }) }),
    checkPolicy({ environment, repo, cwd, userPath: context.userPath }),
    checkServer({
      ...{ server: options.server ?? environment.SOIL_SERVER, token: environment.SOIL_TOKEN, system },
      ...(options.tokenFile !== undefined && { tokenFile: options.tokenFile }),
      now: () => context.now().getTime() / 1000,
    }),
  ]);
  const path = checkPath({ environment, repo, cwd, userPath: context.userPath });
  return withoutMootProblems([...engine, path, ...rest.flat()]);
}

/** If a container runs, missing prerequisites of rootless containers are not problems. */
function withoutMootProblems(findings: readonly Finding[]): Finding[] {
  const containerRan = findings.some(({ check, state }) => check === 'container' && state === 'ok');
  const irrelevant = ['user-namespaces', 'newuidmap', 'cgroups'];
  return findings.map((finding) =>
    containerRan && finding.state === 'problem' && irrelevant.includes(finding.check)
      ? ok(finding.check, `${finding.text}; containers run nevertheless`)
      : finding,
  );
}

function formatFinding(finding: Finding, color: boolean): string[] {
  const paint = (text: string, code: number): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const label = finding.check.padEnd(16);
  switch (finding.state) {
    case 'ok':
      return [`${paint('ok   ', 32)}  ${label}  ${plain(finding.text)}`];
    case 'skipped':
      return [`${paint('skip ', 33)}  ${label}  ${plain(finding.text)}`];
    case 'problem':
      return [
        `${paint('FAIL ', 31)}  ${label}  ${plain(finding.text)}`,
        ...finding.fix.split('\n').map((line) => `       fix:              ${line}`),
      ];
  }
}
