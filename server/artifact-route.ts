/** `PUT /artifacts/HOST/COMMIT/FILE`: one file published for a commit, streamed to staging, then moved into place. */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseCommitHash, parseWorkerHost } from '../model/name.js';
import { commitArtifactFolder } from '../model/path.js';
import { quote } from '../model/result.js';
import { authorize } from './authorization.js';
import type { Ask, Reply } from './exchange.js';
import { answer, diskRefusal, refuseWith, type Answered } from './refusal.js';

const fileName = /^[A-Za-z0-9_+][A-Za-z0-9._+~-]{0,199}$/;

export async function putArtifact(ask: Ask): Promise<Answered<Reply>> {
  const { site, request } = ask;
  const [, , hostText = '', commitText = '', name = '', ...more] = ask.path.split('/');
  const host = parseWorkerHost(hostText);
  if (!host.ok) return refuseWith(400, host.error);
  const commit = parseCommitHash(commitText);
  if (!commit.ok) return refuseWith(400, commit.error);
  if (more.length > 0 || !fileName.test(name) || name.endsWith('.tmp')) {
    return refuseWith(
      400,
      `cannot accept artifact ${quote([name, ...more].join('/'))}: it must be a plain file name`,
    );
  }
  const scope = { action: 'append', host: host.value } as const;
  const allowed = await authorize(request.headers, scope, ask.keeper);
  if (!allowed.ok) return allowed;
  const staged = join(site.privates.staging, randomBytes(12).toString('hex'));
  try {
    const received = await receive(ask, staged);
    if (!received.ok) return received;
    const added = await site.addArtifact(host.value, commit.value, name, staged);
    if (!added.ok) return added;
    const artifact = `${commitArtifactFolder(host.value, commit.value)}/${name}`;
    return answer({ status: added.value ? 201 : 200, body: { artifact } });
  } catch (error) {
    const refusal = diskRefusal(error);
    if (refusal !== undefined) return refusal;
    if (request.destroyed) return refuseWith(400, 'cannot read the body: it was cut off');
    throw error;
  } finally {
    await rm(staged, { force: true });
  }
}

async function receive({ request, limits }: Ask, staged: string): Promise<Answered<undefined>> {
  let bytes = 0;
  await pipeline(
    request,
    async function* (source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytes <= limits.artifactBytes) yield chunk;
      }
    },
    createWriteStream(staged, { mode: 0o644 }),
  );
  return bytes > limits.artifactBytes
    ? refuseWith(413, `cannot accept the artifact: it is larger than ${limits.artifactBytes} bytes`)
    : answer(undefined);
}
