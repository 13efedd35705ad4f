import assert from 'node:assert/strict';
import { test } from 'node:test';
import { valueOf } from '../../model/result.js';
import { serverLimitKeys } from './limit-keys.js';
import { defaultLimits } from './limits.js';
import { findProject, parseProjectPrefix } from './project.js';
import { parseServerConfig } from './server-config.js';

const parse = (text: string) => parseServerConfig(text, '/etc/soil-server.yml');

test('parseServerConfig() reads listen, limits and projects; a project overrides the file', () => {
  const config = valueOf(
    parse(`
listen: { host: 0.0.0.0, port: 8081 }
log: text
title: Our projects
lost-after: 1h
limits:
  body: 200MiB
  idle-time: 30s
quota: { reserve: 2MiB }
projects:
  /oils:
    site: sites/oils
    title: Oils for Unix
    lost-after: 10m
    limits: { body: 100MiB, wwz-entries: 30000 }
    quota: { site: 50GB }
  /team/other:
    site: /srv/other
`),
  );
  assert.equal(config.host, '0.0.0.0');
  assert.equal(config.port, 8081);
  assert.equal(config.logFormat, 'text');
  assert.equal(config.title, 'Our projects');
  assert.equal(config.limits.idleSeconds, 30);
  const [oils, other] = config.projects;
  assert.equal(oils?.folder, '/etc/sites/oils');
  assert.equal(oils.title, 'Oils for Unix');
  assert.deepEqual(oils.quota, { siteBytes: 50e9, reserveBytes: 2 * 2 ** 20 });
  assert.deepEqual(oils.limits, {
    ...{ ...defaultLimits, bodyBytes: 100 * 2 ** 20, lostSeconds: 600, idleSeconds: 30 },
    wwz: { ...defaultLimits.wwz, entries: 30_000 },
  });
  assert.equal(other?.folder, '/srv/other');
  assert.equal(other.limits.bodyBytes, 200 * 2 ** 20);
  assert.equal(other.limits.lostSeconds, 3600);
  assert.deepEqual(other.quota, { reserveBytes: 2 * 2 ** 20 });
});

test('parseServerConfig() reports line, column, value and reason of each fault', () => {
  const project = 'projects:\n  /a: { site: a }\n';
  const table: [string, RegExp][] = [
    ['', /it must be a map/],
    ['listen: { port: 1 }', /projects is missing/],
    ['projects: {}', /projects: the map is empty/],
    [`${project}port: 1`, /:3:1: cannot accept key "port" in the file: it must be one of listen, log,/],
    [`${project}listen: { port: 65536 }`, /:3:17: cannot accept port "65536": .* 0 to 65535/],
    [`${project}listen: { host: 300.1.1.1 }`, /host "300.1.1.1": it must be an IP address/],
    [`${project}log: xml`, /log "xml": it must be one of json, text/],
    [`${project}limits: { bodies: 1 }`, /key "bodies" in limits: it must be one of body, wwz,/],
    [`${project}limits: { body: big }`, /body "big": it must be a number with B, kB/],
    [`${project}limits: { body: 0 }`, /body "0": it must be at least 1/],
    [`${project}limits: { idle-time: 5 }`, /idle-time "5": it has no unit/],
    [`${project}limits: { idle-time: 8d }`, /idle-time "8d": it must be at most 7d/],
    [`${project}limits: { uploads: 1.5 }`, /uploads "1.5": it must be a whole number/],
    [
      `${project}limits: { wwz-entries: 65535 }`,
      /wwz-entries "65535": it must be a whole number from 1 to 65534/,
    ],
    [`${project}lost-after: 5s`, /lost-after "5s": it must be at least 1m/],
    [`${project}quota: { site: 1MB, reserve: 1MB }`, /reserve, 1000000 bytes, leaves nothing/],
    [`${project}projects: {}`, /key "projects" in the file: duplicate of line 1/],
    [
      'projects:\n  /a: { site: a, limits: { idle-time: 5s } }',
      /key "idle-time" in limits: it must be one of/,
    ],
    ['projects:\n  /a: { title: A }', /:2:3: cannot accept project "\/a": site is missing/],
    ['projects:\n  /a: &x { site: a }\n  /b: *x', /project "\/b" "\*x" \(an alias; write it out\)/],
    ['projects:\n  a: { site: a }', /project "a": it must be \/, or words/],
    [
      'projects:\n  /results: { site: a }',
      /project "\/results": "\/results" is an address of the server itself/,
    ],
    [
      'projects:\n  /a: { site: x }\n  /b: { site: x/y }',
      /:3:3: .*"\/etc\/x\/y" overlaps with the site of "\/a"/,
    ],
    ['projects:\n  /a: { site: x }\n  /a/b: { site: y }', /"\/a\/b": it overlaps with project "\/a"/],
  ];
  for (const [text, pattern] of table) {
    const parsed = parse(text);
    assert.ok(!parsed.ok, text);
    assert.match(parsed.error, pattern);
    assert.match(parsed.error, /^\/etc\/soil-server\.yml:\d+:\d+: /);
  }
});

test('parseProjectPrefix() accepts words after slashes, and rejects addresses of the server', () => {
  for (const text of ['/', '/oils', '/team/oils-2', '/a_b']) assert.ok(parseProjectPrefix(text).ok, text);
  const bad = ['', 'oils', '/oils/', '//', '/..', '/.soil', '/a//b', '/Oils', '/a b', '/%61', '/-', '/web'];
  for (const text of bad) assert.ok(!parseProjectPrefix(text).ok, text);
});

test('findProject() finds the project with the longest prefix that ends at a slash', () => {
  const projects = ['/', '/oils', '/team/x'].map((text) => ({ prefix: valueOf(parseProjectPrefix(text)) }));
  const found = (path: string) => {
    const { project, rest } = findProject(projects, path) ?? {};
    return [project?.prefix, rest];
  };
  assert.deepEqual(found('/oils/results'), ['/oils', '/results']);
  assert.deepEqual(found('/oils'), ['/oils', '']);
  assert.deepEqual(found('/oilsx/results'), ['/', '/oilsx/results']);
  assert.deepEqual(found('/team/x/'), ['/team/x', '/']);
  assert.deepEqual(found('/team'), ['/', '/team']);
  assert.equal(findProject(projects.slice(1), '/other'), undefined);
});

test('parseServerConfig() reads the written default of every limit as the default', () => {
  const written = Object.entries(serverLimitKeys.keys).map(
    ([key, limit]) => `${key}: ${limit.default ?? ''}`,
  );
  const config = valueOf(parse(`limits: { ${written.join(', ')} }\nprojects: { /a: { site: a } }`));
  assert.deepEqual(config.limits, defaultLimits);
});
