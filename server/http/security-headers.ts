/** A path in the site -> whose it is, and the headers that keep what others wrote away from the rest. Pure. */
import type { SitePath } from '../../model/path.js';

/** `own`: pages that Soil writes. `foreign`: what tasks wrote, in a wwz or as artifacts. `status`: the status API. */
export type SiteArea = 'own' | 'foreign' | 'status';

/** The area of a file on disk; entries of a wwz are always `foreign`. */
export function areaOf(path: SitePath): SiteArea {
  const [top = '', second = '', , below] = path.split('/');
  if (top === 'status-api') return 'status';
  // HOST-jobs/commits/HASH/FILE: artifacts that a project published, HTML among them.
  if (top.endsWith('-jobs') && second === 'commits' && below !== undefined) return 'foreign';
  return 'own';
}

/**
 * What tasks wrote is other people's HTML. It gets an origin of its own that equals nothing (no allow-same-origin), so
 * that its scripts can neither read the site's storage nor its pages. Reports need scripts, a search box that is a form,
 * links that open a tab, and downloads; they do not need dialogs, nor tabs that are free of the sandbox.
 */
const foreignPolicy = 'sandbox allow-scripts allow-popups allow-forms allow-downloads';

/** Our pages need their stylesheet and icon, and no script in the page. */
const ownPolicy =
  "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

/** A list that the server writes of a folder in a wwz: its stylesheet and links. */
export const listingPolicy =
  "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'";

/** Headers for every answer from an area. All but the status API may be kept by caches that ask each time. */
export function areaHeaders(area: SiteArea): Readonly<Record<string, string>> {
  return {
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Content-Security-Policy': area === 'foreign' ? foreignPolicy : ownPolicy,
    'Cache-Control': area === 'status' ? 'no-store' : 'no-cache',
  };
}
