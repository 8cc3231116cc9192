/** Keeps track of running calls, so that closing cancels and awaits them. */
import { IpfsError } from './errors.ts'
import type { CallOptions } from './ipfs.ts'

/** The calls of one node. After `close` every new one rejects with `IPFS_CLOSED`. */
export class Calls {
  readonly #closing = new AbortController()
  readonly #promises = new Set<Promise<unknown>>()
  readonly #streams = new Set<() => Promise<void>>()

  /** Runs a call that answers once. */
  async run<T>(options: CallOptions | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const signal = this.#signal(options)
    signal.throwIfAborted()
    const running = work(signal)
    this.#promises.add(running)
    try {
      return await running
    } finally {
      this.#promises.delete(running)
    }
  }

  /**
   * Runs a call that answers as a stream. It counts from its first value on until it is read to its end or left. When the
   * node is closed in between, the reader gets `IPFS_CLOSED` with the next value: a stream that was cut must not look as
   * if it had ended.
   */
  stream<T>(
    options: CallOptions | undefined,
    work: (signal: AbortSignal) => AsyncGenerator<T, void, undefined>,
  ): AsyncGenerator<T, void, undefined> {
    const signal = this.#signal(options)
    const closing = this.#closing.signal
    const streams = this.#streams
    let cut = false
    let settled = false
    const cutOff = async (): Promise<void> => {
      cut = true
      await inner.return()
    }
    async function* tracked(): AsyncGenerator<T, void, undefined> {
      signal.throwIfAborted()
      streams.add(cutOff)
      try {
        yield* work(signal)
        settled = true
      } catch (error) {
        settled = true
        throw error
      } finally {
        streams.delete(cutOff)
      }
    }
    const inner = tracked()
    return {
      next: async () => {
        const step = await inner.next()
        if (step.done !== true || !cut || settled) return step
        settled = true
        throw closing.reason
      },
      return: () => inner.return(),
      throw: (error) => inner.throw(error),
      [Symbol.asyncIterator]() {
        return this
      },
      [Symbol.asyncDispose]: async () => {
        await inner.return()
      },
    }
  }

  /** Cancels what runs and waits until it has ended. */
  async close(): Promise<void> {
    this.#closing.abort(new IpfsError('IPFS_CLOSED', 'The node was closed'))
    // waits: each call tells its own caller how it ended
    await Promise.allSettled([...this.#promises, ...Array.from(this.#streams, (cutOff) => cutOff())])
  }

  #signal(options: CallOptions | undefined): AbortSignal {
    return options?.signal === undefined
      ? this.#closing.signal
      : AbortSignal.any([options.signal, this.#closing.signal])
  }
}
