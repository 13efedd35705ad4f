/** `PUT /artifacts/HOST/COMMIT/FILE`: a file that a project publishes for a commit -> the commit's folder, append-only. */
import { join } from 'node:path';
import { parseCommitHash, parseWorkerHost } from '../../model/name.js';
import { commitArtifactFolder, parsePublicPath } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { json, problem } from '../http/response.js';
import { receiveFile } from '../upload/body-reader.js';
import { parseDigest } from '../http/digest.js';
import { authorize, afterPages, type Route, reservationOf } from './route-context.js';
import type { PublishedFile } from '../store/site-scan.js';
import { withReservation } from '../upload/with-reservation.js';

export const putArtifact: Route = async (call, context) => {
  const target = parseTarget(call.rest);
  if (!target.ok) return problem(400, target.error);
  const { host, commit, path } = target.value;
  const admitted = await authorize(call, context, { action: 'append', host });
  if (!admitted.ok) return admitted.answer;
  if (admitted.token.jobs !== '*') {
    return problem(
      403,
      `cannot publish for a commit: token ${quote(admitted.token.id)} is for some jobs only`,
    );
  }
  const { 'repr-digest': field } = call.request.headers;
  const promised = parseDigest(Array.isArray(field) ? field.join(',') : field);
  if (!promised.ok) return problem(400, promised.error);
  const maxBytes = context.limits.artifactBytes;
  return withReservation(call.request, reservationOf(context, maxBytes), async (folder, room) => {
    const staged = join(folder, 'artifact');
    call.sendContinue();
    const received = await receiveFile(call.request, staged, { maxBytes, room });
    if (!received.ok) return received.answer;
    context.metrics.add('soil_upload_bytes', {}, received.bytes);
    if (promised.value !== undefined && promised.value !== received.sha256) {
      return problem(
        400,
        `cannot store ${quote(path)}: its SHA-256 is ${received.sha256}, not ${promised.value} as promised`,
      );
    }
    const { stored, shown } = await context.site.addArtifact(target.value, staged);
    if (stored.kind === 'conflict') {
      return problem(
        409,
        `cannot store ${quote(stored.path)}: it is there already with other bytes, and nothing is overwritten`,
      );
    }
    if (stored.kind === 'new') room.commit(received.bytes);
    await afterPages(shown, context);
    const file = `${commitArtifactFolder(host, commit)}/${path}`;
    return json(stored.kind === 'new' ? 201 : 200, {
      artifact: file,
      bytes: received.bytes,
      sha256: received.sha256,
    });
  });
};

function parseTarget(rest: string): Result<PublishedFile> {
  const [hostText = '', commitText = '', ...segments] = rest.split('/');
  const host = parseWorkerHost(hostText);
  if (!host.ok) return host;
  const commit = parseCommitHash(commitText);
  if (!commit.ok) return commit;
  let path: string;
  try {
    path = segments.map(decodeURIComponent).join('/');
  } catch {
    return refuse(`cannot accept artifact ${quote(rest)}: its percent-encoding is wrong`);
  }
  const parsed = parsePublicPath(path);
  if (!parsed.ok)
    return refuse(
      `cannot accept artifact ${quote(path)}: no part of it may be empty, begin with a dot, or hold a backslash`,
    );
  if (Buffer.byteLength(path) > 500 || path.split('/').some((s) => Buffer.byteLength(s) > 200)) {
    return refuse(`cannot accept artifact ${quote(path)}: its name is too long`);
  }
  return accept({ host: host.value, commit: commit.value, path: parsed.value });
}
