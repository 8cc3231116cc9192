/** The thread of the writer, as the index has it: its calls, in order, and its end. */
import { shield, suspend } from '@ipfs-kit/concurrency'
import { Worker } from 'node:worker_threads'
import { WalError } from '../errors.ts'
import type { Standing, WriterAnswer, WriterCall, WriterCalls } from './calls.ts'

const entry = new URL(`./worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

type Argument<Name extends keyof WriterCalls> = Parameters<WriterCalls[Name]>[0]
type Value<Name extends keyof WriterCalls> = ReturnType<WriterCalls[Name]>

interface Waiting {
  readonly answered: (value: unknown) => void
  readonly failed: (failure: WalError) => void
}

/** What the thread is told of. */
export interface ThreadEvents {
  /** The writer has done something: called before who asked for it goes on. */
  onStanding(standing: Standing): void
  onFailed(failure: WalError): void
}

export class SqliteThread {
  readonly #worker: Worker
  readonly #waiting: Waiting[] = []
  readonly #events: ThreadEvents
  readonly #path: string
  #cause: unknown
  #isClosing = false
  #isGone = false
  #onExit: (() => void) | undefined
  failure: WalError | undefined

  private constructor(path: string, events: ThreadEvents) {
    this.#path = path
    this.#events = events
    // What this program was started with is not for the thread, such as the loader of a test.
    this.#worker = new Worker(entry, { name: 'wal index', workerData: { path }, execArgv: [] })
    this.#worker.on('message', (answer: WriterAnswer) => this.#answered(answer))
    this.#worker.on('error', (cause) => {
      this.#cause = cause
    })
    this.#worker.on('exit', () => this.#ended())
  }

  /** Starts it, and waits until it has opened the file. @throws WalError WAL_INDEX_FAILED */
  static async start(path: string, events: ThreadEvents): Promise<SqliteThread> {
    const thread = new SqliteThread(path, events)
    // It holds a file: it is waited for, whoever asks.
    await shield(() => thread.#awaited(() => {}))
    return thread
  }

  /** Asks for something; its answer, after those of all that was asked for before. @throws WalError WAL_INDEX_FAILED, WAL_FULL, WAL_CLOSED */
  async call<Name extends keyof WriterCalls>(name: Name, argument: Argument<Name>): Promise<Value<Name>> {
    if (this.failure !== undefined) throw this.failure
    if (this.#isClosing) throw new WalError('WAL_CLOSED', `The index at ${this.#path} is closed`)
    return (await this.#awaited(() => this.#post(name, argument, []))) as Value<Name>
  }

  /** The same for who does not wait: told when it is done, or that the volume was full, and not if the thread fails. */
  send<Name extends keyof WriterCalls>(
    name: Name,
    argument: Argument<Name>,
    moved: readonly ArrayBuffer[],
    done: (isFull: boolean) => void,
  ): void {
    if (this.failure !== undefined || this.#isClosing) return
    this.#expect({
      answered: () => done(false),
      failed: ({ code }) => {
        if (code === 'WAL_FULL') done(true)
      },
    })
    this.#post(name, argument, moved)
  }

  /** Lets it do what it was asked for, and ends it. */
  async close(): Promise<void> {
    if (this.#isGone) return
    this.#isClosing = true
    if (this.failure === undefined) {
      this.#expect({ answered: () => {}, failed: () => {} })
      this.#post('close', undefined, [])
    }
    await suspend<void>(({ resolve }) => {
      this.#onExit = () => resolve()
      return () => 'settles-later'
    })
  }

  #awaited(begin: () => void): Promise<unknown> {
    return suspend<unknown>(({ resolve, reject }) => {
      this.#expect({ answered: resolve, failed: reject })
      begin()
      return () => {}
    })
  }

  #expect(waiting: Waiting): void {
    if (this.#waiting.push(waiting) === 1) this.#worker.ref()
  }

  #post(name: WriterCall['name'], argument: unknown, moved: readonly ArrayBuffer[]): void {
    this.#worker.postMessage({ name, argument } satisfies WriterCall, moved)
  }

  #answered({ value, full, standing }: WriterAnswer): void {
    this.#events.onStanding(standing)
    const waiting = this.#waiting.shift()!
    // It holds the program open while somebody waits.
    if (this.#waiting.length === 0 && !this.#isClosing) this.#worker.unref()
    if (full === undefined) waiting.answered(value)
    else waiting.failed(new WalError('WAL_FULL', `The index at ${this.#path} cannot be written: ${full}`))
  }

  #ended(): void {
    this.#isGone = true
    if (!this.#isClosing || this.#waiting.length > 0) {
      const why = this.#cause instanceof Error ? this.#cause.message : 'its thread has ended'
      this.failure = new WalError('WAL_INDEX_FAILED', `The index at ${this.#path} has failed: ${why}`, {
        cause: this.#cause,
      })
      this.#events.onFailed(this.failure)
      for (const { failed } of this.#waiting.splice(0)) failed(this.failure)
    }
    this.#onExit?.()
  }
}
