import { openEngine } from './engines.js';
import { testTaskHost } from './task-hosts.js';

testTaskHost({
  name: 'podman',
  open: () => openEngine('podman'),
  sharesFiles: true,
  isContainer: true,
});
