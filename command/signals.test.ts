import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { listenForSignals, type SignalHandler } from './signals.js';

function open(count: number): SignalHandler & { readonly emit: (signal: string) => string } {
  const source = new EventEmitter();
  let exited: number | undefined;
  const signals = listenForSignals(source, { count, exit: (status) => (exited = status) });
  const emit = (signal: string): string => {
    source.emit(signal);
    if (exited !== undefined) return `exit ${exited}`;
    return signals.forceCancel.aborted ? 'forceCancel' : signals.cancel.aborted ? 'cancel' : 'none';
  };
  return { ...signals, emit };
}

test('listenForSignals() exits at the signal after those that the command handles', () => {
  const table: readonly [number, readonly string[]][] = [
    [0, ['exit 130']],
    [1, ['cancel', 'exit 130']],
    [2, ['cancel', 'forceCancel', 'exit 130']],
  ];
  for (const [count, expected] of table) {
    const { emit } = open(count);
    assert.deepEqual(
      expected.map((_, i) => emit(i % 2 === 0 ? 'SIGINT' : 'SIGTERM')),
      expected,
    );
  }
});

test('handle() changes the count for the signals that follow', () => {
  const { emit, handle, cancel } = open(0);
  handle(1);
  assert.equal(emit('SIGTERM'), 'cancel');
  assert.match(String(cancel.reason), /received SIGTERM/);
  handle(2);
  assert.equal(emit('SIGTERM'), 'forceCancel');
});

test('listenForSignals() cancels at SIGHUP and SIGQUIT as at SIGTERM, and names the signal', () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    const { cancel, emit } = open(1);
    assert.equal(emit(signal), 'cancel');
    assert.equal((cancel.reason as Error).message, `received ${signal}`);
  }
});
