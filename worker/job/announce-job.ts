/** Announces a job that a later step runs without the token: sends the event that it started. */
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { JobEvent } from '../../model/event.js';
import { describeAnswer, isSuccess, type HttpAnswer } from '../client/http-client.js';
import type { SoilService } from '../client/soil-server.js';
import { chooseJob, type JobChoiceOptions } from '../config/load-job.js';
import { admitPublishing } from '../policy/load-policies.js';
import { createEventBase } from '../publish/job-event.js';
import { planTarget, type PublishOptions } from '../publish/publish-target.js';
import { resultUrls } from '../publish/upload-job.js';
import { sendEvent } from '../publish/upload-results.js';
import type { CommandContext } from '../system/command-context.js';
import { planOrigin } from './plan-job.js';

export interface AnnounceOptions
  extends Pick<PublishOptions, 'server' | 'tokenFile' | 'publishLimit'>, Pick<JobChoiceOptions, 'config'> {
  readonly runId?: string;
  readonly attempt?: string;
}

/** Where the results will be, or why nothing was announced: the caller's mistake, or the server's answer. */
export type Announcement =
  | { readonly kind: 'announced'; readonly url: string }
  | { readonly kind: 'misuse' | 'failed'; readonly reason: string };

/** Sends the start event of a job. The job's own run and `publish` find the same run by the environment. */
export async function announceJob(
  name: string,
  options: AnnounceOptions,
  command: CommandContext,
): Promise<Announcement> {
  const planned = await planAnnouncement(name, options, command);
  if (!planned.ok) return { kind: 'misuse', reason: planned.error };
  const { service, event, url } = planned.value;
  const answer = await sendStart(service, event);
  if (isSuccess(answer)) return { kind: 'announced', url };
  return { kind: 'failed', reason: `cannot announce job ${quote(event.job)}: ${describeAnswer(answer)}` };
}

/** A server of an earlier version does not know the field that says why no events follow. */
async function sendStart(service: SoilService, event: JobEvent): Promise<HttpAnswer> {
  const answer = await sendEvent(service, { ...event, isLive: false });
  return answer.kind === 'answer' && answer.status === 400 ? sendEvent(service, event) : answer;
}

async function planAnnouncement(name: string, options: AnnounceOptions, command: CommandContext) {
  const target = await planTarget(options, command);
  if (!target.ok) return target;
  if (target.value.kind !== 'server') return refuse('cannot announce a job over SSH: events need a server');
  const { service } = target.value;
  const choice = await chooseJob(name, options, command);
  if (!choice.ok) return choice;
  const { repo, job } = choice.value;
  const allowed = await admitPublishing(`announce job ${quote(job.name)}`, repo, command);
  if (!allowed.ok) return allowed;
  const planned = await planOrigin(choice.value, options, command);
  if (!planned.ok) return planned;
  const { origin, identity } = planned.value;
  if (identity.host === 'local' && !isNamed(options, command)) return refuseUnnamed(job.name);
  const event = { ...createEventBase(origin, identity.host, job.name), name: 'start' as const };
  return accept({ service, event, url: resultUrls(identity, origin.commit, service.url).run });
}

const isNamed = ({ runId = '' }: AnnounceOptions, { environment }: CommandContext): boolean =>
  runId !== '' || (environment.SOIL_RUN ?? '') !== '';

const refuseUnnamed = (job: string): Result<never> =>
  refuse(
    `cannot announce job ${quote(job)}: a local run without a name gets a new one in each step. ` +
      'Pass --run-id, or set SOIL_RUN, in every step',
  );
