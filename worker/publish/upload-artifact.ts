/** Uploads the artifacts of a commit. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { errorMessage } from '../../model/error-message.js';
import type { CommitHash, WorkerHost } from '../../model/name.js';
import { commitArtifactFolder, encodeSegment, parsePublicPath } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { describeAnswer, isSuccess, type HttpAnswer, type RequestBody } from '../client/http-client.js';
import { fileSource, readRange } from '../../wwz/byte-source.js';
import { callServer, uploadSeconds, type SoilService } from '../client/soil-server.js';

export interface ArtifactAddress {
  readonly host: WorkerHost;
  readonly commit: CommitHash;
  /** name on the site; may contain folders */
  readonly name: string;
}

/** Parses the name of an artifact: a relative path, with no part that is empty or starts with a dot. */
export function parseArtifactName(text: string): Result<string> {
  if (parsePublicPath(text).ok && Buffer.byteLength(text) <= 500) return accept(text);
  return refuse(
    `cannot accept artifact ${quote(text)}: no part of its name may be empty, start with a dot, or contain a backslash`,
  );
}

const encodePath = (name: string): string => name.split('/').map(encodeSegment).join('/');

/** Returns the URL at which the server serves the artifact. */
export const artifactUrl = (server: URL, { host, commit, name }: ArtifactAddress): URL =>
  new URL(`${commitArtifactFolder(host, commit)}/${encodePath(name)}`, server);

export interface UploadedArtifact {
  readonly url: string;
  readonly bytes: number;
  /** hexadecimal */
  readonly sha256: string;
  /** false: the server already had the same content */
  readonly isNew: boolean;
}

export type ArtifactUpload =
  | { readonly kind: 'published'; readonly artifact: UploadedArtifact }
  /** a retry would be refused too */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/**
 * Uploads one open file for a commit. Reads it twice, since the request's header contains its SHA-256. The server never
 * overwrites a file, so it must not store one that was damaged on the way or changed while it was read.
 */
export async function uploadArtifact(
  service: SoilService,
  { content, ...address }: ArtifactAddress & { readonly content: FileHandle },
): Promise<ArtifactUpload> {
  const because = (kind: 'refused' | 'failed', reason: string): ArtifactUpload => ({
    kind,
    reason: `cannot publish artifact ${quote(address.name)}: ${reason}`,
  });
  const facts = await hashFile(content);
  if (!facts.ok) return because('refused', facts.error);
  const { bytes, sha256 } = facts.value;
  const url = new URL(`artifacts/${address.host}/${address.commit}/${encodePath(address.name)}`, service.url);
  const digest = { 'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:` };
  const body: RequestBody = {
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(bytes), ...digest },
    // Not a ReadStream: a cut connection destroys it, which closes the file, and a retry reads it again.
    open: () => Readable.from(readRange(fileSource(content, bytes), 0, bytes), { objectMode: false }),
  };
  const answer = await callServer(service, {
    ...{ method: 'PUT', url, totalSeconds: uploadSeconds },
    body: bytes === 0 ? '' : body,
  });
  if (!isSuccess(answer)) {
    const isRefused = answer.kind === 'answer' && answer.status >= 300 && answer.status < 500;
    return because(isRefused ? 'refused' : 'failed', `${describeAnswer(answer)}${nextStep(answer)}`);
  }
  const shown = artifactUrl(service.url, address).href;
  return {
    kind: 'published',
    artifact: { url: shown, bytes, sha256, isNew: answer.status === 201 },
  };
}

function nextStep(answer: HttpAnswer): string {
  switch (answer.kind === 'answer' ? answer.status : 0) {
    case 401:
      return '. Set SOIL_TOKEN, or pass --token-file';
    case 403:
      return '. The token needs the action append, for all jobs';
    case 409:
      return (
        '. A published artifact never changes: if the build is not reproducible, ' +
        'publish it from one job only, under a new name for each attempt'
      );
    default:
      return '';
  }
}

/** Returns the size and SHA-256 of a file. Fails if it cannot be read. */
async function hashFile(
  content: FileHandle,
): Promise<Result<{ readonly bytes: number; readonly sha256: string }>> {
  try {
    const sum = createHash('sha256');
    let bytes = 0;
    const { size } = await content.stat();
    for await (const chunk of readRange(fileSource(content, size), 0, size)) {
      sum.update(chunk);
      bytes += chunk.length;
    }
    return accept({ bytes, sha256: sum.digest('hex') });
  } catch (error) {
    return refuse(errorMessage(error));
  }
}
