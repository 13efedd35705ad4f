/** `PUT /artifacts/HOST/COMMIT/FILE`: stores a file that a project publishes for a commit. Nothing is overwritten. */
import { join } from 'node:path';
import { parseCommitHash, parseWorkerHost } from '../../model/name.js';
import { commitArtifactFolder, parsePublicPath } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { json, problem } from '../http/response.js';
import type { PublishedFile } from '../store/site-scan.js';
import { readFile } from '../upload/body-reader.js';
import { refusalResponse } from './refusal-response.js';
import { authorize, receiveUpload, waitForPages, type Route } from './route-context.js';

export const putArtifact: Route = async (request, context) => {
  const artifact = parseArtifactPath(request.rest);
  if (!artifact.ok) return problem(400, artifact.error);
  const { host, commit, path } = artifact.value;
  const token = await authorize(request, context, { action: 'append', host });
  if (!token.ok) return refusalResponse(token.error);
  if (token.value.jobs !== '*') {
    return problem(
      403,
      `cannot publish for a commit: token ${quote(token.value.id)} is limited to jobs ${quote(token.value.jobs)}`,
    );
  }
  const maxBytes = context.limits.artifactBytes;
  return receiveUpload(request, context, { token: token.value, maxBytes }, async (folder, reservation) => {
    const staged = join(folder, 'artifact');
    request.sendContinue();
    const received = await readFile(request.message, staged, { maxBytes, reservation });
    if (!received.ok) return refusalResponse(received.error);
    const { bytes, sha256 } = received.value;
    context.metrics.add('soil_upload_bytes', {}, bytes);
    const { stored, pagesWritten } = await context.site.addArtifact(artifact.value, staged);
    if (stored.kind === 'conflict') return refusalResponse(stored);
    if (stored.kind === 'new') reservation.commit(bytes);
    await waitForPages(pagesWritten, context);
    const file = `${commitArtifactFolder(host, commit)}/${path}`;
    return json(stored.kind === 'new' ? 201 : 200, { artifact: file, bytes, sha256 });
  });
};

function parseArtifactPath(rest: string): Result<PublishedFile> {
  const [hostText = '', commitText = '', ...segments] = rest.split('/');
  const host = parseWorkerHost(hostText);
  if (!host.ok) return host;
  const commit = parseCommitHash(commitText);
  if (!commit.ok) return commit;
  let path: string;
  try {
    path = segments.map(decodeURIComponent).join('/');
  } catch {
    return refuse(`cannot accept artifact ${quote(rest)}: invalid percent-encoding`);
  }
  const parsed = parsePublicPath(path);
  if (!parsed.ok)
    return refuse(
      `cannot accept artifact ${quote(path)}: no part of its path may be empty, begin with a dot, or contain a backslash`,
    );
  if (Buffer.byteLength(path) > 500 || path.split('/').some((s) => Buffer.byteLength(s) > 200)) {
    return refuse(`cannot accept artifact ${quote(path)}: its path is too long`);
  }
  return accept({ host: host.value, commit: commit.value, path: parsed.value });
}
