import { testHardships } from './run-hardships.js';
import { testMachine } from './run-machines.js';

testMachine('podman');
testHardships('podman');
