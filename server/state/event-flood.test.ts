import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEvent, type JobEvent } from '../../model/event.js';
import type { RunId } from '../../model/name.js';
import { valueOf } from '../../model/result.js';
import { addEvent, type EventFacts } from './job-events.js';
import { SiteState } from './site-state.js';

const eventOf = (fields: Readonly<Record<string, string>>): JobEvent =>
  valueOf(parseEvent(Object.entries({ workerHost: 'github', jobName: 'unit', ...fields })));

const taskDone = (runId: string, task: number) =>
  eventOf({ eventName: 'task-done', runId, task: `t${task}` });

test('F6: a further event of a job copies nothing of those before', () => {
  let facts: EventFacts | undefined;
  const sets = new Set<unknown>();
  for (let task = 0; task < 1000; task++) {
    facts = addEvent(facts, taskDone('7', task), 5);
    sets.add(facts.tasks);
  }
  assert.equal(facts?.times.tasksDone, 1000);
  assert.equal(sets.size, 1);
});

test('F6: events of runs without a number are held up to a number, of each run and each token', () => {
  const state = new SiteState('Soil');
  const heldCount = (): number => [...state.waitingEvents()].length;
  let sequence = 0;
  const send = (token: string, run: number, task: number): void => {
    const sender = { id: token, jobs: 'x-*' };
    state.addEvent(taskDone(String(run), task), {
      time: 1,
      sequence: ++sequence,
      sender: { ...sender, jobs: '*' },
    });
  };
  for (let task = 0; task < 2100; task++) send('weak', 1, task);
  assert.equal(heldCount(), 2000);
  for (let run = 2; run < 13; run++) for (let task = 0; task < 2000; task++) send('weak', run, task);
  assert.equal(heldCount(), 20_000);
  send('honest', 50, 1);
  assert.equal(heldCount(), 20_001);
  state.addEvent(eventOf({ eventName: 'start', runId: '1', runNumber: '9' }), {
    time: 2,
    sequence: ++sequence,
  });
  assert.equal(heldCount(), 18_001);
  assert.equal(state.run({ host: 'github', name: '9' as RunId })?.jobs[0]?.events.tasksDone, 2000);
  send('weak', 60, 1);
  assert.equal(heldCount(), 18_002);
});
