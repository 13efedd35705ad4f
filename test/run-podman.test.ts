import { testRunFailures } from './run-failures.js';
import { testRunBasics } from './run-basics.js';

testRunBasics('podman');
testRunFailures('podman');
