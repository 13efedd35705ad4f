import { after, before, describe } from 'node:test';
import { openEngine, type TestEngine } from './engines.js';
import { testOutput } from './output-behaviors.js';

describe('the output of tasks on raw', () => {
  let machine: TestEngine;
  before(async () => {
    machine = await openEngine('raw');
  });
  after(() => machine.close());
  testOutput(() => machine);
});
