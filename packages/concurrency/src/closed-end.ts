/** What closing an end of a channel or of a stream does to those who wait on it. */
import { ConcurrencyError } from './errors.ts'
import type { WaitQueue } from './wait-queue.ts'
import type { AnyWait } from './wait.ts'

/** What ends belong to, as errors name it. */
export interface EndOwner {
  readonly kind: 'channel' | 'stream'
  readonly name: string
}

/** Why an end that is closed serves nobody. */
export function closedError({ kind, name }: EndOwner): ConcurrencyError {
  return new ConcurrencyError('CONCURRENCY_CHANNEL_CLOSED', `this end of ${kind} "${name}" is closed`)
}

/** Rejects the waits on `end`, and no others of the queue. */
export function failWaitsOn(queue: WaitQueue, end: object, owner: EndOwner): void {
  let wait = queue.first
  while (wait !== undefined) {
    const next: AnyWait | undefined = wait.nextInQueue
    if (wait.on === end) wait.fail(closedError(owner))
    wait = next
  }
}
