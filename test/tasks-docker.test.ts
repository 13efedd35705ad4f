import { testTasks } from './run-tasks.js';

testTasks('docker');
