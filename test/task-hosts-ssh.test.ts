import { openSshMachine } from './ssh-machine.js';
import { testTaskHost } from './task-hosts.js';

testTaskHost({
  name: 'ssh',
  open: () => openSshMachine(),
  sharesFiles: false,
  isContainer: false,
});
