/** Every key of soil-server.yml. The parser, schema/soil-server.schema.json and the tables in docs/server.md are made from them. */
import { isIP } from 'node:net';
import { formatDuration } from '../../model/duration.js';
import { keyTable, tableOf } from '../../model/key-table.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { mapOf } from '../../model/value-list.js';
import {
  byteCount,
  choice,
  duration,
  oneLine,
  parsedText,
  text,
  wholeNumber,
} from '../../model/value-type.js';
import { formatBytes, projectLimitKeys, serverLimitKeys } from './limit-keys.js';
import { defaultLimits } from './limits.js';
import { logFormats } from './log-format.js';
import { metricsAccesses } from './metrics-access.js';
import { defaultQuota, parseProjectPrefix, prefixPattern } from './project.js';
import { retentionKeys } from './retention-policy.js';

const host = parsedText({
  parse: parseHost,
  pattern:
    /^([A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?)$/,
  label: 'host',
});

function parseHost(value: string, what: string): Result<string> {
  const isName = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?$/.test(value);
  if (isIP(value) !== 0 || (isName && !/^[\d.]+$/.test(value))) return accept(value);
  return refuse(
    `cannot accept ${what} ${quote(value)}: it must be an IP address or a host name of this machine`,
  );
}

export const port = { min: 0, max: 65_535 };

export const listenKeys = keyTable({
  keys: {
    host: {
      type: host,
      doc: 'An IP address or a host name of this machine.',
      default: '127.0.0.1',
      example: '0.0.0.0',
    },
    port: {
      type: wholeNumber(port.min, port.max),
      doc: 'The port; 0: any free one.',
      default: '8080',
      example: '80',
    },
  },
});

export const quotaKeys = keyTable({
  keys: {
    site: {
      type: byteCount(),
      doc: 'How many bytes the site can use.',
      otherwise: 'the size of the disk',
      example: '50GB',
    },
    token: {
      type: byteCount({ minBytes: 1 }),
      doc: 'How many bytes each token can use that is limited to some jobs, or cannot upload. Only with `site`.',
      otherwise: 'a quarter of `site`',
      example: '5GB',
    },
    reserve: {
      type: byteCount(),
      doc: 'Bytes of the quota and of the disk that uploads leave free, so that events and the status API still work.',
      default: formatBytes(defaultQuota.reserveBytes),
      example: '10MB',
    },
  },
});

/** Keys of the whole file that a project can override. */
const sharedKeys = {
  'lost-after': {
    type: duration({ minSeconds: 60 }),
    doc: 'How long a job can be without an event before it is shown as lost.',
    default: formatDuration(defaultLimits.lostSeconds),
    example: '1h',
  },
  quota: {
    type: tableOf(quotaKeys),
    doc: 'How much space a site can use.',
    example: '{ site: 50GB, reserve: 10MB }',
  },
  retention: {
    type: tableOf(retentionKeys),
    doc: '[How long results are kept](#how-long-results-are-kept).',
    otherwise: 'forever',
    example: '{ wwz: { age: 90d } }',
  },
};

export const projectKeys = keyTable({
  keys: {
    site: {
      type: text('path'),
      isRequired: true,
      doc: "The site's folder, created by `soil-server init`. Relative to the folder of soil-server.yml.",
      example: '/srv/soil/oils',
    },
    title: {
      type: oneLine,
      doc: "The title of the project's pages. The site keeps it.",
      example: 'Oils for Unix',
    },
    ...sharedKeys,
    limits: {
      type: tableOf(projectLimitKeys),
      doc: '[Limits of this project](#limits).',
      example: '{ wwz-entries: 30000 }',
    },
  },
});

export const soilServerKeys = keyTable({
  keys: {
    listen: {
      type: tableOf(listenKeys),
      doc: 'Where to listen.',
      example: '{ host: 127.0.0.1, port: 8080 }',
    },
    log: { type: choice(logFormats), doc: 'The format of the access log.', default: 'json', example: 'text' },
    title: {
      type: oneLine,
      doc: 'The title of the page that lists the projects.',
      default: 'Soil',
      example: 'Our projects',
    },
    metrics: {
      type: choice(metricsAccesses),
      doc: 'Who can read `/metrics` without a token: programs of this machine, or everyone.',
      default: 'loopback',
      example: 'public',
    },
    ...sharedKeys,
    limits: {
      type: tableOf(serverLimitKeys),
      doc: '[Limits](#limits) of every project and of connections.',
      example: '{ body: 2100MiB, rate-bytes: 16KiB }',
    },
    projects: {
      type: mapOf({
        parseName: parseProjectPrefix,
        namePattern: prefixPattern,
        value: tableOf(projectKeys),
        ...{ item: 'project', isNonEmpty: true, label: 'map of projects' },
      }),
      isRequired: true,
      doc: "The projects by prefix. A project's keys are [below](#a-project).",
      example: '{ /oils: { site: /srv/soil/oils } }',
    },
  },
});
