import { after, before, describe } from 'node:test';
import type { TestEngine } from './engines.js';
import { testOutput } from './output-behaviors.js';
import { openSshMachine } from './ssh-machine.js';

describe('the output of tasks over SSH', () => {
  let machine: TestEngine;
  before(async () => {
    machine = await openSshMachine();
  });
  after(() => machine.close());
  testOutput(() => machine);
});
