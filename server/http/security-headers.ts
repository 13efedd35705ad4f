/** Chooses the security headers of a response, so that HTML of tasks cannot reach the site's own pages. Pure. */
import type { SitePath } from '../../model/path.js';

/** `own`: pages of Soil. `foreign`: files of tasks, in a wwz or published as artifacts. `status`: the status API. */
export type SiteArea = 'own' | 'foreign' | 'status';

/** Returns the area of a file on disk. Entries of a wwz are always `foreign`. */
export function areaOf(path: SitePath): SiteArea {
  const [top = '', second = '', , below] = path.split('/');
  if (top === 'status-api') return 'status';
  // HOST-jobs/commits/HASH/FILE: artifacts, which may be HTML.
  if (top.endsWith('-jobs') && second === 'commits' && below !== undefined) return 'foreign';
  return 'own';
}

/**
 * HTML of tasks is untrusted. Without allow-same-origin its scripts run in an opaque origin, and cannot read the site's
 * storage or pages. Reports need scripts, forms (search boxes), links that open tabs, and downloads; they do not need
 * dialogs, or tabs outside the sandbox.
 */
const foreignPolicy = 'sandbox allow-scripts allow-popups allow-forms allow-downloads';

/** Soil's pages need their stylesheet and icon, and no inline scripts. */
const ownPolicy =
  "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

/** The listing of a folder in a wwz needs its stylesheet and icon, and is made of names that a task chose. */
export const listingPolicy =
  "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'";

/**
 * Returns the headers of every response from an area. Caches may store all but the status API, but must revalidate it.
 */
export function areaHeaders(area: SiteArea): Readonly<Record<string, string>> {
  return {
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Content-Security-Policy': area === 'foreign' ? foreignPolicy : ownPolicy,
    'Cache-Control': area === 'status' ? 'no-store' : 'no-cache',
  };
}
