/** `soil-worker doctor`: looks at everything that a job needs of this machine and of the server, and says how to mend it. */
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { checkEngine } from '../doctor/engine-check.js';
import { ok, type Finding } from '../doctor/finding.js';
import { checkConfig, checkGit } from '../doctor/repo-check.js';
import { checkLimits, checkRootless } from '../doctor/rootless-check.js';
import { checkServer } from '../doctor/server-check.js';
import { readHostFacts } from '../doctor/host-facts.js';
import { chooseRepo } from '../config/load-job.js';
import { plain } from '../report/format-progress.js';
import { credentialVariables } from '../system/credentials.js';

export interface DoctorOptions {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly config?: string;
  readonly engine?: 'podman' | 'docker';
  readonly json?: boolean;
}

/** 0: all is well. 1: something is to be mended. */
export async function doctorCommand(options: DoctorOptions, context: CommandContext): Promise<number> {
  const findings = await examine(options, context);
  const faults = findings.filter(({ state }) => state === 'fault');
  if (options.json === true) {
    context.print(JSON.stringify({ well: faults.length === 0, findings }, null, 2));
  } else {
    for (const finding of findings)
      for (const line of formatFinding(finding, context.color)) context.print(line);
    const count = faults.length === 1 ? 'one thing' : `${faults.length} things`;
    context.print(
      faults.length === 0 ? 'all is well' : `${count} to mend; docs/troubleshooting.md says more`,
    );
  }
  return faults.length === 0 ? exitStatus.ok : exitStatus.failed;
}

async function examine(options: DoctorOptions, context: CommandContext): Promise<Finding[]> {
  const { environment, cwd } = context;
  const system = await readHostFacts();
  const repo = await chooseRepo(context);
  const kept = Object.entries(environment).filter(([name]) => !credentialVariables.includes(name));
  const about = { environment, cwd, repo, system };
  context.status('trying the container engine');
  const engine = await checkEngine({
    ...{ environment: Object.fromEntries(kept), system },
    ...(options.engine !== undefined && { asked: options.engine }),
  });
  const isDocker = engine.some(({ state, text }) => state === 'well' && text.startsWith('docker'));
  context.status('looking at the rest');
  const rest = await Promise.all([
    checkLimits(system),
    checkRootless(system, environment, isDocker ? 'docker' : options.engine),
    checkGit(about),
    checkConfig({ ...about, ...(options.config !== undefined && { config: options.config }) }),
    checkServer({
      ...{ server: options.server ?? environment.SOIL_SERVER, token: environment.SOIL_TOKEN, system },
      ...(options.tokenFile !== undefined && { tokenFile: options.tokenFile }),
      now: () => context.now().getTime() / 1000,
    }),
  ]);
  return withoutEngine([...engine, ...rest.flat()]);
}

/** Where a container runs, what rootless containers lack in theory is no fault in fact. */
function withoutEngine(findings: readonly Finding[]): Finding[] {
  const runs = findings.some(({ check, state }) => check === 'container' && state === 'well');
  const moot = ['user-namespaces', 'newuidmap', 'cgroups'];
  return findings.map((finding) =>
    runs && finding.state === 'fault' && moot.includes(finding.check)
      ? ok(finding.check, `${finding.text}; a container runs all the same`)
      : finding,
  );
}

function formatFinding(finding: Finding, color: boolean): string[] {
  const paint = (text: string, code: number): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const label = finding.check.padEnd(16);
  switch (finding.state) {
    case 'well':
      return [`${paint('well ', 32)}  ${label}  ${plain(finding.text)}`];
    case 'passed-over':
      return [`${paint('-    ', 33)}  ${label}  ${plain(finding.text)}`];
    case 'fault':
      return [
        `${paint('FAULT', 31)}  ${label}  ${plain(finding.text)}`,
        ...finding.mend.split('\n').map((line) => `       mend:             ${line}`),
      ];
  }
}
