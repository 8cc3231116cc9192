/** Appends that wait to be written, as an intrusive list: entering and leaving cost a few nanoseconds wherever one stands. */
import type { Resume } from '@ipfs-kit/concurrency'
import { recordHeaderBytes } from './frame.ts'

/** What a record takes of the queue besides its bytes. */
const queuedRecordBytes = 64

/** An append that waits. */
export class Waiting {
  readonly payloads: readonly Uint8Array[]
  /** In a frame. */
  readonly bytes: number
  /** Told the LSN of the first record. */
  readonly answer: Resume<number>
  isQueued = true
  previous: Waiting | undefined
  next: Waiting | undefined = undefined

  constructor(
    payloads: readonly Uint8Array[],
    bytes: number,
    answer: Resume<number>,
    previous: Waiting | undefined,
  ) {
    this.payloads = payloads
    this.bytes = bytes
    this.answer = answer
    this.previous = previous
  }
}

/** The queue, in the order of asking. */
export class AppendQueue {
  first: Waiting | undefined
  #last: Waiting | undefined
  size = 0
  /** Bytes of the records, and 64 for each. */
  bytes = 0

  add(payloads: readonly Uint8Array[], bytes: number, answer: Resume<number>): Waiting {
    const previous = this.#last
    const waiting = new Waiting(payloads, bytes, answer, previous)
    if (previous === undefined) this.first = waiting
    else previous.next = waiting
    this.#last = waiting
    this.size += 1
    this.bytes += queuedBytesOf(payloads, bytes)
    return waiting
  }

  /** Takes it out; false if it is not there. */
  remove(waiting: Waiting): boolean {
    if (!waiting.isQueued) return false
    const { previous, next } = waiting
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    waiting.isQueued = false
    // One that is over must not hold those after it.
    waiting.previous = undefined
    waiting.next = undefined
    this.size -= 1
    this.bytes -= queuedBytesOf(waiting.payloads, waiting.bytes)
    return true
  }
}

/** What records of so many bytes in a frame take of the queue. */
export function queuedBytesOf(payloads: readonly Uint8Array[], bytes: number): number {
  return bytes + payloads.length * (queuedRecordBytes - recordHeaderBytes)
}
