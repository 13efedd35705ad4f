/** Sends a job's events in the background, in their order: at most a few wait, and a failing server costs no task its time. */
import type { JobEvent } from '../../model/event.js';
import { describeAnswer } from '../client/http-client.js';
import { sendEvent } from './upload-results.js';
import type { SoilService } from '../client/soil-server.js';

/** More than this many events wait for nobody: the newest counts most, since each page shows the latest state. */
const longestQueue = 50;
const eventSeconds = 5;
/** After this many failures in a row the server is left alone. */
const mostFailures = 3;

/** Lives as long as the job. What it cannot send is a notice, never more. */
export class EventSender {
  readonly #service: SoilService;
  readonly #notice: (text: string) => void;
  readonly #queue: JobEvent[] = [];
  #sending: Promise<void> | undefined;
  #failures = 0;

  constructor(service: SoilService, notice: (text: string) => void) {
    this.#service = service;
    this.#notice = notice;
  }

  send(event: JobEvent): void {
    if (this.#failures >= mostFailures) return;
    if (this.#queue.length >= longestQueue) this.#queue.shift();
    this.#queue.push(event);
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
  }

  /** Waits for the event under way and gives up those behind it: the record says all that they would. */
  async close(): Promise<void> {
    this.#queue.length = 0;
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      const answer = await sendEvent(
        this.#service,
        event,
        { ...this.#service.retries, tries: 1 },
        eventSeconds,
      );
      if (answer.kind === 'answer' && answer.status < 300) {
        this.#failures = 0;
        continue;
      }
      this.#failures++;
      this.#notice(`cannot tell the server of ${event.name}: ${describeAnswer(answer)}`);
      if (this.#failures >= mostFailures) {
        this.#queue.length = 0;
        this.#notice('no further events are sent while the job runs');
      }
    }
  }
}
