import { testHardships } from './run-hardships.js';
import { testMachine } from './run-machines.js';

testMachine('docker');
testHardships('docker');
