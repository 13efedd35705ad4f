/** Makes source trees and images from Debian's packages for tests; needs no image registry. */
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { must } from './command.js';

/** Downloads a source package's original archive into a folder with apt-get; returns the archive's path. */
export async function fetchSource(name: string, folder: string): Promise<string> {
  const parts = join(folder, 'parts');
  const lists = join(folder, 'lists');
  await mkdir(parts, { recursive: true });
  await mkdir(join(lists, 'partial'), { recursive: true });
  await declareSources(parts);
  const own = ['-o', 'Dir::Etc::SourceList=/dev/null', '-o', `Dir::Etc::SourceParts=${parts}`];
  own.push('-o', `Dir::State::Lists=${lists}`, '-o', 'APT::Sandbox::User=root', '-q');
  await must('apt-get', [...own, 'update'], { cwd: folder });
  await must('apt-get', [...own, 'source', '--download-only', name], { cwd: folder });
  const archive = (await readdir(folder)).find((file) => /\.orig\.tar\.\w+$/.test(file));
  if (archive === undefined) throw new Error(`apt-get source ${name} downloaded no original archive`);
  return join(folder, archive);
}

/** Declares this machine's package sources, with source packages instead of binary ones. */
async function declareSources(parts: string): Promise<void> {
  const folder = '/etc/apt/sources.list.d';
  const files = (await readdir(folder)).map((name) => join(folder, name));
  for (const file of ['/etc/apt/sources.list', ...files]) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const name = basename(file);
    if (name.endsWith('.sources')) {
      await writeFile(join(parts, name), text.replace(/^Types:.*$/gm, 'Types: deb-src'));
    } else if (name.endsWith('.list')) {
      const lines = text.split('\n').filter((line) => line.startsWith('deb '));
      await writeFile(
        join(parts, name),
        lines.map((line) => `${line.replace(/^deb /, 'deb-src ')}\n`).join(''),
      );
    }
  }
}

/**
 * Makes a tar of a small Debian with the given packages by debootstrap. That takes half a minute, so the file is kept in
 * the folder for temporary files, under a name derived from its content.
 */
export async function debianTar(packages: readonly string[]): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8');
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1] ?? 'bookworm';
  const key = createHash('sha256')
    .update([codename, ...packages].join(' '))
    .digest('hex')
    .slice(0, 16);
  const tar = join(tmpdir(), `soil-test-${codename}-${key}.tar`);
  const there = await access(tar).then(
    () => true,
    () => false,
  );
  if (there) return tar;
  const folder = await mkdtemp(join(tmpdir(), 'soil-debootstrap-'));
  try {
    const root = join(folder, 'root');
    await must('debootstrap', ['--variant=minbase', `--include=${packages.join(',')}`, codename, root], {
      timeoutSeconds: 400,
    });
    const made = join(folder, 'image.tar');
    await must('tar', ['-C', root, '--exclude=./var/cache/apt/archives/*.deb', '-cf', made, '.']);
    await rename(made, tar);
    return tar;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
