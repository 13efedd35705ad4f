import { openEngine } from './engines.js';
import { testTaskHost } from './task-hosts.js';

testTaskHost({
  name: 'docker',
  open: () => openEngine('docker'),
  sharesFiles: true,
  isContainer: true,
});
