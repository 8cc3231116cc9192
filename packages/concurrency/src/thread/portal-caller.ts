/** The worker's end of a portal. */
import type { MessagePort } from 'node:worker_threads'
import { receiveMessageOnPort } from 'node:worker_threads'
import { ConcurrencyError } from '../errors.ts'
import { fromFailure } from './failure.ts'
import type { Outcome, PortalAnswer, PortalCall, PortalEnd } from './messages.ts'
import { mostPortalCalls, notCloneable, type Portal } from './portal.ts'

/** Calls into the program. */
export class PortalCaller implements Portal {
  readonly #port: MessagePort
  readonly #answers: Int32Array
  readonly #open = new Map<number, (outcome: Outcome) => void>()
  #lastId = 0
  #isClosed = false

  constructor(end: PortalEnd) {
    this.#port = end.port
    this.#answers = new Int32Array(end.answers)
    this.#port.on('message', (answer: PortalAnswer) => this.#settle(answer))
  }

  async call<T>(name: string, ...args: unknown[]): Promise<T> {
    const outcome = await new Promise<Outcome>((resolve) => this.#send(name, args, resolve))
    return resultOf<T>(outcome)
  }

  callSync<T>(name: string, ...args: unknown[]): T {
    let outcome: Outcome | undefined
    this.#send(name, args, (answer) => {
      outcome = answer
    })
    for (;;) {
      // Read before looking: an answer that comes in between is not slept over.
      const seen = Atomics.load(this.#answers, 0)
      for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port)) {
        this.#settle(next.message as PortalAnswer)
      }
      if (outcome !== undefined) return resultOf<T>(outcome)
      Atomics.wait(this.#answers, 0, seen)
    }
  }

  /** The call is over. What was asked and not awaited stays unanswered: nobody can see it any more. */
  close(): void {
    this.#isClosed = true
    this.#open.clear()
    this.#port.close()
  }

  #send(name: string, args: unknown[], answered: (outcome: Outcome) => void): void {
    if (this.#isClosed) {
      throw new ConcurrencyError(
        'CONCURRENCY_THREAD_PORTAL_CLOSED',
        `portal ${name} was called after its call had ended`,
      )
    }
    if (this.#open.size >= mostPortalCalls) {
      throw new ConcurrencyError(
        'CONCURRENCY_THREAD_PORTAL_FULL',
        `portal ${name} was called while ${mostPortalCalls} portal calls are open`,
      )
    }
    this.#lastId += 1
    const message: PortalCall = { id: this.#lastId, name, args }
    try {
      this.#port.postMessage(message)
    } catch (error) {
      throw notCloneable(`an argument of portal ${name}`, error)
    }
    this.#open.set(message.id, answered)
  }

  #settle(answer: PortalAnswer): void {
    this.#open.get(answer.id)?.(answer.outcome)
    this.#open.delete(answer.id)
  }
}

function resultOf<T>(outcome: Outcome): T {
  if (outcome.type === 'failed') throw fromFailure(outcome.failure)
  return outcome.value as T
}
