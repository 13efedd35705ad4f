import { after, before, describe } from 'node:test';
import { openEngine, type TestEngine } from './engines.js';
import { testOutput } from './output-behaviors.js';

describe('the output of tasks on docker', () => {
  let machine: TestEngine;
  before(async () => {
    machine = await openEngine('docker');
  });
  after(() => machine.close());
  testOutput(() => machine);
});
