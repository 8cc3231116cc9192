/** The last calls of a kit, as `node.operations` shows them. Never input, output or bodies. */
import { randomUUID } from 'node:crypto'
import diagnosticsChannel from 'node:diagnostics_channel'
import type { CallRecord, LocalCaller, Table } from '@ipfs-kit/operations'

/** Remembers the calls of one caller. */
export interface CallLog {
  /** The same caller, listened to. */
  listenTo<T extends Table>(caller: LocalCaller<T>): LocalCaller<T>
  /** The newest first. */
  list(limit: number): readonly CallRecord[]
  stats(): CallLogStats
  /** Stops listening. Idempotent. */
  close(): void
}

/** Counts of a {@link CallLog} since it was made. */
export interface CallLogStats {
  readonly runningCalls: number
  readonly endedCalls: number
  /** Of the ended calls those with another code than `OK`. */
  readonly failedCalls: number
}

/** How many calls are remembered. */
export const rememberedCalls = 1000

/** Makes an empty log. */
export function createCallLog(): CallLog {
  return new ChannelCallLog()
}

/**
 * The channel carries the calls of all callers in the process: those that run here are known by their request
 * id.
 */
class ChannelCallLog implements CallLog {
  readonly #records: CallRecord[] = []
  readonly #running = new Map<string, number>()
  #endedCalls = 0
  #failedCalls = 0
  readonly #onCall = (message: unknown): void => this.#record(message as CallRecord)

  constructor() {
    diagnosticsChannel.subscribe('operations:call', this.#onCall)
  }

  listenTo<T extends Table>(caller: LocalCaller<T>): LocalCaller<T> {
    const callAs: LocalCaller<T>['callAs'] = (requestId, name, input, options) => {
      this.#running.set(requestId, (this.#running.get(requestId) ?? 0) + 1)
      return caller.callAs(requestId, name, input, options)
    }
    return {
      callAs,
      call: ((name: string, input: unknown, options) =>
        callAs(randomUUID(), name, input, options)) as LocalCaller<T>['call'],
    }
  }

  list(limit: number): readonly CallRecord[] {
    return this.#records.slice(-limit).toReversed()
  }

  stats(): CallLogStats {
    let runningCalls = 0
    for (const count of this.#running.values()) runningCalls += count
    return Object.freeze({ runningCalls, endedCalls: this.#endedCalls, failedCalls: this.#failedCalls })
  }

  close(): void {
    diagnosticsChannel.unsubscribe('operations:call', this.#onCall)
  }

  #record(record: CallRecord): void {
    const count = this.#running.get(record.requestId)
    if (count === undefined) return
    if (count === 1) this.#running.delete(record.requestId)
    else this.#running.set(record.requestId, count - 1)
    this.#endedCalls += 1
    if (record.code !== 'OK') this.#failedCalls += 1
    this.#records.push(record)
    if (this.#records.length > rememberedCalls) this.#records.shift()
  }
}
