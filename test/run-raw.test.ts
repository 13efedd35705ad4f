import { testRunFailures } from './run-failures.js';
import { testRunBasics } from './run-basics.js';

testRunBasics('raw');
testRunFailures('raw');
