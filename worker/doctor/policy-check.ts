/** Says which policies hold on this machine, and which folders of PATH the worker does not search. */
import { describePolicy } from '../policy/policy.js';
import { policyFiles, readPolicies } from '../policy/policy-file.js';
import { planSearchPath } from '../system/search-path.js';
import { ok, problem, type Finding } from './finding.js';

export interface PolicyCheckOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly userPath: string | undefined;
  readonly cwd: string;
  readonly repo: string;
}

export async function checkPolicy({ environment, repo }: PolicyCheckOptions): Promise<Finding> {
  const policies = await readPolicies({ environment, repo });
  if (!policies.ok)
    return problem(
      'policy',
      policies.error,
      '${EDITOR:-vi} /etc/soil/policy.yml   # or the file that the message names',
    );
  if (policies.value.length === 0) {
    const files = policyFiles(environment).join(' and ');
    return ok('policy', `jobs can ask for everything: ${files} do not exist`);
  }
  const shown = policies.value.map(({ policy, origin }) =>
    origin.kind === 'file' ? `${origin.file} (${describePolicy(policy)})` : '',
  );
  return ok('policy', shown.join(' and '));
}

export function checkPath({ environment, userPath, cwd }: PolicyCheckOptions): Finding {
  const { leftOut } = planSearchPath({ ...environment, PATH: userPath }, cwd);
  return ok(
    'path',
    leftOut.length === 0
      ? 'no folder of PATH lies in the repo'
      : `git and the engine are not looked up in folders that a repo can write: ${leftOut.join(', ')}`,
  );
}
