/** Opens and closes a project that is being served: its site, files, tokens, metrics and timers. */
import { errorMessage } from '../../model/error-message.js';
import { refuse, accept, type Result } from '../../model/result.js';
import type { AccessPolicy } from '../auth/authenticate.js';
import { Readiness } from './readiness.js';
import { Metrics } from './metrics.js';
import { isSite, notASite, privateFolder } from '../disk/private-folder.js';
import type { MetricsAccess } from '../config/metrics-access.js';
import type { Project, ProjectPrefix } from '../config/project.js';
import { formatRemovalMessage } from '../state/removal-message.js';
import { startRetentionTimer } from '../retention/retention-timer.js';
import type { RouteContext } from './route-context.js';
import { startLostJobTimer } from './lost-job-timer.js';
import { Site } from '../site/site.js';
import { storeTitle, readTitle } from '../disk/site-title.js';
import { SenderIndex } from '../store/sender-index.js';
import { SiteUsage } from '../upload/quota.js';
import { TokenRate } from '../upload/token-rate.js';
import { UploadSlots } from '../upload/upload-slots.js';
import { openStaticSite, type StaticSite } from '../static/static-site.js';
import { TokenStore } from '../auth/token-store.js';

export interface ServedProject {
  readonly prefix: ProjectPrefix;
  readonly title: string;
  readonly context: RouteContext;
  readonly files: StaticSite;
  /** Finishes accepted uploads and events, and releases the lock of the site. */
  readonly close: () => Promise<void>;
}

export interface ProjectOptions {
  /** seconds since 1970, UTC */
  readonly now: () => number;
  readonly report: (message: string) => void;
  readonly isOpen: AccessPolicy['isOpen'];
  readonly metricsAccess: MetricsAccess;
}

/** How often the bytes of a site with a quota are counted again. Pages, the log and prune change them. */
const countSeconds = 3600;

export async function openProject(
  project: Project,
  { now, report, isOpen, metricsAccess }: ProjectOptions,
): Promise<Result<ServedProject>> {
  const { folder, limits, prefix } = project;
  if (!(await isSite(folder))) {
    return refuse(notASite('cannot serve', folder));
  }
  if (project.title !== undefined) await storeTitle(folder, project.title);
  const title = await readTitle(folder);
  const metrics = new Metrics();
  const onRewrite = (seconds: number): void => {
    metrics.observeRewrite(seconds);
  };
  const paths = privateFolder(folder);
  const hasQuota = project.quota.siteBytes !== undefined;
  const senders = hasQuota ? await SenderIndex.read(paths.log) : new SenderIndex();
  const usage = new SiteUsage(project, {
    ownerOf: (path) => senders.ownerOf(path),
    logBytes: (id) => senders.logBytes(id),
  });
  const onBytes = (bytes: number, path?: string): void => {
    usage.addBytes(bytes, path);
  };
  const opened = await Site.open(folder, { limits, now, title, onRewrite, onBytes });
  if (!opened.ok) return opened;
  const site = opened.value;
  try {
    for (const problem of site.problems) report(problem);
    // A crash may have left a record without its pages. The server starts even if a page cannot be written.
    await site.refreshPages().catch((error: unknown) => {
      const reason = errorMessage(error);
      report(`cannot write all pages: ${reason}; soil-server check --repair moves conflicting files aside`);
    });
    if (hasQuota) await usage.count();
    const files = await openStaticSite(folder, {
      report,
      removed: (path) => formatRemovalMessage(site.view, path),
    });
    const access = { tokens: new TokenStore(paths.tokens), isOpen };
    const afterPrune = hasQuota ? () => usage.count() : undefined;
    const retention =
      project.retention && startRetentionTimer({ site, now, report, afterPrune }, project.retention);
    const context = {
      ...{ project, site, paths, usage, limits, access, metrics, metricsAccess, now, report },
      readiness: new Readiness({ paths, project }),
      uploads: new UploadSlots(limits.concurrentUploads),
      ...{ senders, rate: new TokenRate({ perSecond: limits.tokenRate, burst: limits.tokenBurst }) },
      ...(retention && { retention }),
    };
    const lostJobs = startLostJobTimer(context);
    const usageTimer = hasQuota ? startUsageTimer(context) : undefined;
    retention?.start();
    const close = async (): Promise<void> => {
      usageTimer?.stop();
      await retention?.stop();
      await lostJobs.stop();
      await usageTimer?.idle();
      await files.close();
      await site.close();
    };
    return accept({ prefix, title, context, files, close });
  } catch (error) {
    await site.close();
    throw error;
  }
}

/** Counts the bytes of the site at intervals. */
function startUsageTimer({ usage, report }: RouteContext) {
  let counting = Promise.resolve();
  const timer = setInterval(() => {
    counting = counting
      .then(() => usage.count())
      .catch((error: unknown) => {
        report(`cannot count the bytes of the site: ${errorMessage(error)}`);
      });
  }, countSeconds * 1000);
  return {
    stop: () => {
      clearInterval(timer);
    },
    idle: () => counting,
  };
}
