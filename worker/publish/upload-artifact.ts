/** Files that a project publishes for a commit: where the server has them, and how one gets there. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { errorMessage } from '../../model/error-message.js';
import type { CommitHash, WorkerHost } from '../../model/name.js';
import { commitArtifactFolder, encodeSegment, parsePublicPath } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { describeAnswer, isSuccess, type HttpAnswer, type RequestBody } from '../client/http-client.js';
import { callServer, uploadSeconds, type SoilService } from '../client/soil-server.js';

export interface ArtifactAddress {
  readonly host: WorkerHost;
  readonly commit: CommitHash;
  /** its name on the site; may have folders */
  readonly name: string;
}

/** A name that the site can have: relative, no part empty or beginning with a dot. */
export function parseArtifactName(text: string): Result<string> {
  if (parsePublicPath(text).ok && Buffer.byteLength(text) <= 500) return accept(text);
  return refuse(
    `cannot accept artifact ${quote(text)}: no part of its name may be empty, begin with a dot, or hold a backslash`,
  );
}

const segmentsOf = (name: string): string => name.split('/').map(encodeSegment).join('/');

/** Where readers find it. */
export const artifactUrl = (server: URL, { host, commit, name }: ArtifactAddress): URL =>
  new URL(`${commitArtifactFolder(host, commit)}/${segmentsOf(name)}`, server);

export interface PublishedArtifact {
  readonly url: string;
  readonly bytes: number;
  /** hexadecimal */
  readonly sha256: string;
  /** false: the server had the same bytes already */
  readonly isNew: boolean;
}

export type ArtifactAnswer =
  | { readonly kind: 'published'; readonly artifact: PublishedArtifact }
  /** another try would be refused, too */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/**
 * Sends one file for a commit. It is read twice: its SHA-256 goes before it, so that the server, which never overwrites,
 * does not keep what was changed on the way or while it was read.
 */
export async function publishArtifact(
  service: SoilService,
  { file, ...address }: ArtifactAddress & { readonly file: string },
): Promise<ArtifactAnswer> {
  const because = (kind: 'refused' | 'failed', reason: string): ArtifactAnswer => ({
    kind,
    reason: `cannot publish artifact ${quote(address.name)}: ${reason}`,
  });
  const facts = await hashFile(file);
  if (!facts.ok) return because('refused', facts.error);
  const { bytes, sha256 } = facts.value;
  const url = new URL(`artifacts/${address.host}/${address.commit}/${segmentsOf(address.name)}`, service.url);
  const digest = { 'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:` };
  const body: RequestBody = {
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(bytes), ...digest },
    open: () => createReadStream(file, { end: Math.max(0, bytes - 1) }),
  };
  const answer = await callServer(service, {
    ...{ method: 'PUT', url, totalSeconds: uploadSeconds },
    body: bytes === 0 ? '' : body,
  });
  if (!isSuccess(answer)) {
    const isRefused = answer.kind === 'answer' && answer.status >= 300 && answer.status < 500;
    return because(isRefused ? 'refused' : 'failed', `${describeAnswer(answer)}${adviceFor(answer)}`);
  }
  const shown = artifactUrl(service.url, address).href;
  return {
    kind: 'published',
    artifact: { url: shown, bytes, sha256, isNew: answer.status === 201 },
  };
}

function adviceFor(answer: HttpAnswer): string {
  switch (answer.kind === 'answer' ? answer.status : 0) {
    case 401:
      return '; set SOIL_TOKEN, or name a --token-file';
    case 403:
      return '; the token needs the action append, for all jobs';
    case 409:
      return (
        '; a commit has one file of a name for ever: where a build does not give the same bytes each time, ' +
        'publish it by one job only, under one name an attempt'
      );
    default:
      return '';
  }
}

/** The size and SHA-256 of a file; what is no file, or cannot be read, is refused. */
async function hashFile(file: string): Promise<Result<{ readonly bytes: number; readonly sha256: string }>> {
  try {
    if (!(await stat(file)).isFile()) return refuse(`${quote(file, 300)} is no file`);
    const sum = createHash('sha256');
    let bytes = 0;
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      sum.update(chunk);
      bytes += chunk.length;
    }
    return accept({ bytes, sha256: sum.digest('hex') });
  } catch (error) {
    return refuse(errorMessage(error));
  }
}
