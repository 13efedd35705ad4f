/** Sends a job's events to the server in the background and in order, without delaying tasks. */
import type { JobEvent } from '../../model/event.js';
import { describeAnswer } from '../client/http-client.js';
import type { SoilService } from '../client/soil-server.js';
import type { Progress } from '../record/progress.js';
import { createEvent, type EventBase } from './job-event.js';
import { sendEvent } from './upload-results.js';

/** A longer queue drops its oldest event: pages show only the latest state. */
const maxQueueLength = 50;
const eventSeconds = 5;
/** After this many failures in a row, nothing more is sent. */
const maxFailures = 3;
/** The server marks a job as lost after 30 minutes without events, and one task may take longer than that. */
const heartbeatSeconds = 300;

export interface EventSenderOptions {
  readonly base: EventBase;
  /** receives each failure as a sentence */
  readonly notice: (text: string) => void;
}

/** Sends events and heartbeats from its creation until close(). A failure to send is only a notice. */
export class EventSender {
  readonly #service: SoilService;
  readonly #options: EventSenderOptions;
  readonly #queue: JobEvent[] = [];
  readonly #heartbeat: NodeJS.Timeout;
  #sending: Promise<void> | undefined;
  #failures = 0;

  constructor(service: SoilService, options: EventSenderOptions) {
    this.#service = service;
    this.#options = options;
    this.#heartbeat = setInterval(() => {
      this.#send({ ...options.base, name: 'heartbeat' });
    }, heartbeatSeconds * 1000);
  }

  /** Queues the event for a step of the job, if the server expects one. */
  report(progress: Progress): void {
    const event = createEvent(progress, this.#options.base);
    if (event !== undefined) this.#send(event);
  }

  /** Waits for the event being sent and drops the queue: the record will contain everything. */
  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#queue.length = 0;
    await this.#sending;
  }

  #send(event: JobEvent): void {
    if (this.#failures >= maxFailures) return;
    if (this.#queue.length >= maxQueueLength) this.#queue.shift();
    this.#queue.push(event);
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
  }

  async #sendAll(): Promise<void> {
    const once = { ...this.#service.retries, tries: 1 };
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      const answer = await sendEvent(this.#service, event, once, eventSeconds);
      if (answer.kind === 'answer' && answer.status < 300) {
        this.#failures = 0;
        continue;
      }
      this.#failures++;
      this.#options.notice(`cannot send event ${event.name}: ${describeAnswer(answer)}`);
      if (this.#failures >= maxFailures) {
        this.#queue.length = 0;
        this.#options.notice(`no more events are sent after ${maxFailures} failures`);
      }
    }
  }
}
