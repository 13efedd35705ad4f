/** The pages of the site: state in, HTML text out. Each stands in a file of its own. */
export { renderHome } from './home-page.js';
export { hostIndexPages, hostIndexPath, renderHostIndex } from './host-index-page.js';
export { rawIndexPages, rawIndexPath, renderRawIndex } from './raw-index-page.js';
export { renderRun, type RunDetails } from './run-page.js';
export { renderRemovedRun } from './removed-page.js';
export { renderCommit } from './commit-page.js';
export { changedPages, pageAt } from './paging.js';
