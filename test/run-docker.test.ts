import { testMachine } from './run-machines.js';

testMachine('docker');
