/** What all ends of a channel share: the buffer, and those who wait for room and for values. */
import type { ChannelStats } from './channel.ts'
import { ConcurrencyError } from './errors.ts'
import { endWaits, serve, serveSoon, type Ending, type ReceiveSource } from './receiving-end.ts'
import { Ring } from './ring.ts'
import { WaitQueue } from './wait-queue.ts'

export class ChannelState<T> implements ReceiveSource<T> {
  readonly kind = 'channel'
  readonly name: string
  readonly capacity: number
  readonly buffer = new Ring<T>()
  /** Waits with the value to send as payload. */
  readonly sending = new WaitQueue()
  readonly receiving = new WaitQueue()
  senders = 0
  receivers = 0
  ending: Ending | undefined = undefined
  /** What a sending end was closed with: the first that was given. */
  failure: unknown = undefined

  constructor(capacity: number, name: string) {
    this.capacity = capacity
    this.name = name
  }

  /** Hands a value on if a receiver waits or the buffer has room. */
  give(value: T): boolean {
    const receiver = this.receiving.first
    if (receiver !== undefined) {
      // A sender that goes on at once puts more into the buffer before the receiver is back: then neither of them parks.
      if (this.capacity > 0) serveSoon(receiver, value)
      else serve(receiver, value)
    } else if (this.buffer.size < this.capacity) this.buffer.push(value)
    else return false
    return true
  }

  hasValue(): boolean {
    return this.buffer.size > 0 || this.sending.size > 0
  }

  /** The oldest value; whoever waits longest to send puts its own into the room. */
  take(): T {
    const sender = this.sending.first
    if (this.buffer.size === 0) {
      const value = sender!.payload as T
      sender!.succeed(undefined)
      return value
    }
    const value = this.buffer.shift()
    if (sender !== undefined) {
      this.buffer.push(sender.payload as T)
      sender.succeed(undefined)
    }
    return value
  }

  /** Values come from senders alone. */
  wanted(): void {}

  /** The last sending end is closed. */
  end(): void {
    const error = this.failure
    this.ending = error === undefined ? { failed: false } : { failed: true, error }
    endWaits(this)
  }

  endError(): unknown {
    if (this.ending?.failed === true) return this.ending.error
    return new ConcurrencyError(
      'CONCURRENCY_CHANNEL_ENDED',
      `every sending end of channel "${this.name}" is closed`,
    )
  }

  abandoned(): void {
    while (this.buffer.size > 0) this.buffer.shift()
    for (let wait = this.sending.first; wait !== undefined; wait = this.sending.first) {
      wait.fail(this.brokenError())
    }
  }

  /** Why nothing can be sent any more. */
  brokenError(): ConcurrencyError {
    return new ConcurrencyError(
      'CONCURRENCY_CHANNEL_BROKEN',
      `no receiving end of channel "${this.name}" is open`,
    )
  }

  stats(): ChannelStats {
    return Object.freeze({
      capacity: this.capacity,
      buffered: this.buffer.size,
      senders: this.senders,
      receivers: this.receivers,
      sending: this.sending.size,
      receiving: this.receiving.size,
    })
  }
}
