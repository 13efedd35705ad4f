/** docs/commands.md, made of what every command's --help says. With --write, writes it anew. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { must, repoRoot, soilServer, soilWorker } from './command.js';

export const commandsFile = join(repoRoot, 'docs', 'commands.md');

const intro = `# Every command

This page is what \`--help\` says of each command; \`npm run docs\` writes it anew, and a test keeps it true. Exit statuses
have one meaning everywhere: 0 fine, 1 not done or not green, 2 wrong use or configuration, 3 refused by the other side;
of \`run\`, \`local\` and \`shell\` it is the job's own. \`--json\` puts one JSON value on stdout, and all else on stderr.
Colours and a passing line that tells what goes on are for a terminal only: \`NO_COLOR\` takes the colours away, \`CI\` both.
`;

/** A command by its words, \`soil-worker wait job\`, and its help. */
export interface CommandHelp {
  readonly words: readonly string[];
  readonly help: string;
}

/** Every command of both programs, those below a command after it. */
export async function readHelps(): Promise<readonly CommandHelp[]> {
  const both = [
    ['soil-worker', soilWorker],
    ['soil-server', soilServer],
  ] as const;
  const all = await Promise.all(both.map(([name, file]) => readHelp([name], file)));
  return all.flat();
}

async function readHelp(words: readonly string[], file: string): Promise<readonly CommandHelp[]> {
  const env = { FORCE_COLOR: undefined };
  const help = await must(process.execPath, [file, ...words.slice(1), '--help'], { env });
  const below = subcommands(help);
  const helps = await Promise.all(below.map((name) => readHelp([...words, name], file)));
  return [{ words, help: help.trimEnd() }, ...helps.flat()];
}

/** The names below `Commands:`; a description that goes on stands further to the right. */
function subcommands(help: string): string[] {
  const [, list = ''] = /\nCommands:\n([^]*?)(?:\n\n|$)/.exec(help) ?? [];
  return [...list.matchAll(/^ {2}([a-z][\w-]*)/gm)].map((m) => m[1] ?? '').filter((name) => name !== 'help');
}

export async function renderCommandsPage(): Promise<string> {
  const sections = (await readHelps()).map(({ words, help }) => {
    const level = words.length === 1 ? '##' : '###';
    return `${level} ${words.join(' ')}\n\n\`\`\`text\n${help}\n\`\`\`\n`;
  });
  return [intro, ...sections].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href && process.argv[2] === '--write') {
  writeFileSync(commandsFile, await renderCommandsPage());
}
