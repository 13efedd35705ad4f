import { after, before, describe } from 'node:test';
import { openEngine, type TestEngine } from './engines.js';
import { testOutput } from './output-behaviors.js';

describe('the output of tasks on podman', () => {
  let machine: TestEngine;
  before(async () => {
    machine = await openEngine('podman');
  });
  after(() => machine.close());
  testOutput(() => machine);
});
