import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleSite } from '../../test/sample-site.js';
import { otherPaths, serverPages } from '../../test/sample-pages.js';
import { parseProjectPrefix } from '../config/project.js';
import { routes } from './routes.js';

test('parseProjectPrefix() refuses the first word of every route and of every folder of a site', () => {
  const site = sampleSite();
  const files = [...serverPages(site).keys(), ...otherPaths(site)].filter((path) => path.includes('/'));
  const words = new Set(
    [...Object.keys(routes), ...files.map((path) => `/${path}`)].map((path) => path.split('/')[1]),
  );
  for (const word of [...words, 'artifacts', 'status-api', 'merges']) {
    assert.ok(!parseProjectPrefix(`/${word}`).ok, `a project at /${word} hides an address of a project at /`);
  }
});
