import { openEngine } from './engines.js';
import { testTaskHost } from './task-hosts.js';

testTaskHost({
  name: 'raw',
  open: () => openEngine('raw'),
  sharesFiles: true,
  isContainer: false,
});
