/** The machine a job runs on, as the system tells it. */
import { arch, availableParallelism, hostname, release, totalmem, type as systemType } from 'node:os';
import type { MachineRecord } from '../../model/record.js';

export function readMachine(): MachineRecord {
  return {
    name: hostname(),
    system: `${systemType()} ${release()}`,
    architecture: arch(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
  };
}
