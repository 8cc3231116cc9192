/** The sending end of a channel. */
import { nodeOf } from './ambient.ts'
import type { ChannelState } from './channel-state.ts'
import type { ChannelStats, SendEnd } from './channel.ts'
import { checkOptions } from './checks.ts'
import { closedError, failWaitsOn } from './closed-end.ts'
import type { WaitOptions } from './scope.ts'
import { underSignal, waitKeys } from './wait-options.ts'
import { failed, park, ready, refuse } from './wait.ts'

export class SendingEnd<T> implements SendEnd<T> {
  readonly #state: ChannelState<T>
  #closed = false

  constructor(state: ChannelState<T>) {
    this.#state = state
    state.senders += 1
  }

  get name(): string {
    return this.#state.name
  }

  send(value: T, options?: WaitOptions): Promise<void> {
    checkOptions(options, waitKeys)
    if (options?.signal !== undefined) {
      return underSignal(options, async (inner) => await this.send(value, inner))
    }
    const scope = nodeOf(options?.scope)
    if (scope.cancelled) return refuse(scope, 'channel send', this)
    const state = this.#state
    if (this.#closed) return failed(scope, 'channel send', this, closedError(state))
    if (state.receivers === 0) return failed(scope, 'channel send', this, state.brokenError())
    if (state.give(value)) return ready(scope, 'channel send', this, undefined)
    const wait = park<void>(scope, 'channel send', this)
    wait.payload = value
    state.sending.add(wait)
    return wait.promise
  }

  trySend(value: T): boolean {
    if (this.#closed) throw closedError(this.#state)
    if (this.#state.receivers === 0) throw this.#state.brokenError()
    return this.#state.give(value)
  }

  clone(): SendEnd<T> {
    if (this.#closed) throw closedError(this.#state)
    return new SendingEnd(this.#state)
  }

  close(error?: unknown): void {
    if (this.#closed) return
    this.#closed = true
    const state = this.#state
    state.senders -= 1
    if (state.failure === undefined) state.failure = error
    failWaitsOn(state.sending, this, state)
    if (state.senders === 0) state.end()
  }

  stats(): ChannelStats {
    return this.#state.stats()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
