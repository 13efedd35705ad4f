/** Reads the file in which GitHub Actions describes the event that started the workflow. */
import { open } from 'node:fs/promises';
import { errorMessage } from '../../model/error-message.js';
import type { CommandContext } from '../system/command-context.js';

/** Pushes with many commits have event files of several megabytes. */
const maxEventBytes = 32_000_000;

/** Reads GitHub's event file. A file that cannot be read is a notice. */
export async function readGithubEvent({
  environment,
  warn,
}: Pick<CommandContext, 'environment' | 'warn'>): Promise<string | undefined> {
  const file = environment.GITHUB_EVENT_PATH;
  if (environment.GITHUB_ACTIONS !== 'true' || file === undefined || file === '') return undefined;
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      if (size > maxEventBytes) throw new Error('larger than 32 MB');
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    warn(`notice: cannot read the file of GITHUB_EVENT_PATH: ${errorMessage(error)}`);
    return undefined;
  }
}
