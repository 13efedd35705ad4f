/** Makes a Git repository with one commit for a test. */
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { must } from './command.js';

/** Creates a repository with the given files in one commit; returns its path. */
export async function makeRepo(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const repo = await mkdtemp(join(tmpdir(), 'soil-repo-'));
  await chmod(repo, 0o755); // like a clone: another user in a container must be able to enter
  const git = (...args: string[]) => must('git', ['-C', repo, ...args]);
  await git('init', '-q', '-b', 'main');
  await git('config', 'user.name', 'Test');
  await git('config', 'user.email', 'test@example.org');
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(repo, name)), { recursive: true });
    await writeFile(join(repo, name), text, { mode: 0o755 });
  }
  await git('add', '--all');
  await git('commit', '-q', '--allow-empty', '-m', 'A change: größer');
  return repo;
}
