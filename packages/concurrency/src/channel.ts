/** Channels: values from senders to receivers, in order, with a bounded buffer between them. */
import { ChannelState } from './channel-state.ts'
import { checkCount, checkOptions } from './checks.ts'
import { ReceivingEnd } from './receiving-end.ts'
import type { WaitOptions } from './scope.ts'
import type { NamedOptions } from './semaphore.ts'
import { SendingEnd } from './sending-end.ts'

/** A frozen look at a channel. */
export interface ChannelStats {
  readonly capacity: number
  /** Values in the buffer. */
  readonly buffered: number
  /** Open ends. */
  readonly senders: number
  readonly receivers: number
  /** Waits for room. */
  readonly sending: number
  /** Waits for a value. */
  readonly receiving: number
}

/** The end that sends. Each user has a clone of its own; the channel ends when the last of them is closed. */
export interface SendEnd<T> extends Disposable {
  readonly name: string
  /**
   * Sends a value; waits while the buffer is full. A wait that is cancelled has sent nothing.
   *
   * @throws ConcurrencyError CONCURRENCY_CHANNEL_BROKEN if no receiving end is open (also while it waits),
   *   CONCURRENCY_CHANNEL_CLOSED if this end is closed
   */
  send(value: T, options?: WaitOptions): Promise<void>
  /**
   * Sends without waiting.
   *
   * @returns whether there was room
   * @throws ConcurrencyError as `send` rejects
   */
  trySend(value: T): boolean
  /** One more end that has to be closed. */
  clone(): SendEnd<T>
  /**
   * Closes this end. Idempotent. Waits on this very end reject with CONCURRENCY_CHANNEL_CLOSED.
   *
   * @param error - why what was sent is not complete: when the last sending end is closed and the buffer empty, receivers
   *   get it in place of CONCURRENCY_CHANNEL_ENDED, and iteration rejects with it. The first one given counts
   */
  close(error?: unknown): void
  stats(): ChannelStats
}

/** The end that receives. Each value goes to one receiver. Iterating ends when the channel does. */
export interface ReceiveEnd<T> extends AsyncIterable<T>, Disposable {
  readonly name: string
  /**
   * Receives the next value; waits until there is one. A wait that is cancelled has taken nothing.
   *
   * @throws ConcurrencyError CONCURRENCY_CHANNEL_ENDED if every sending end is closed and the buffer empty (the error that one
   *   of them was closed with, if there is one), CONCURRENCY_CHANNEL_CLOSED if this end is closed
   */
  receive(options?: WaitOptions): Promise<T>
  /**
   * Receives without waiting.
   *
   * @returns the value, in an object since it may be `undefined`; `undefined` if there is none now
   * @throws ConcurrencyError as `receive` rejects
   */
  tryReceive(): { readonly value: T } | undefined
  /** One more end that has to be closed. */
  clone(): ReceiveEnd<T>
  /** Closes this end. Idempotent. With the last one, what is buffered is dropped and senders fail. */
  close(): void
  stats(): ChannelStats
}

/**
 * Makes a channel.
 *
 * @param capacity - values that wait in the buffer at most; with 0 each send waits for its receiver
 * @throws RangeError if `capacity` is no whole number from 0 up
 */
export function channel<T>(capacity: number, options?: NamedOptions): [SendEnd<T>, ReceiveEnd<T>] {
  checkCount(capacity, 'capacity', 0)
  checkOptions(options, ['name'])
  const state = new ChannelState<T>(capacity, options?.name ?? 'channel')
  return [new SendingEnd(state), new ReceivingEnd(state)]
}
