/** Renders docs/commands.md from the `--help` of every command; `--write` writes the file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { must, repoRoot, soilServer, soilWorker } from './command.js';

export const commandsFile = join(repoRoot, 'docs', 'commands.md');

const intro = `# Every command

This page is the \`--help\` of each command. \`npm run docs\` writes it.

Exit statuses are the same for every command: 0 success; 1 failure, or not green; 2 usage or configuration error; 3 refused
by the server or the remote. \`run\`, \`local\` and \`shell\` exit with the job's status. \`--json\` prints one JSON value on
stdout, and everything else on stderr. Only terminals get colors and a status line: \`NO_COLOR\` turns off the colors, \`CI\`
both.
`;

/** A command's words, as in `soil-worker wait job`, and its help. */
export interface CommandHelp {
  readonly words: readonly string[];
  readonly help: string;
}

let helps: Promise<readonly CommandHelp[]> | undefined;

/** Reads the help of every command of both programs, once; subcommands follow their command. */
export const readHelps = (): Promise<readonly CommandHelp[]> => (helps ??= readAllHelps());

async function readAllHelps(): Promise<readonly CommandHelp[]> {
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

/** The names below `Commands:`; continued descriptions are indented further. */
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
