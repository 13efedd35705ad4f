import { testMachine } from './run-machines.js';

testMachine('podman');
