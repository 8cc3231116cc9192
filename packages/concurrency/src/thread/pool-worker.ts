/** One worker of a pool, seen from the pool. */
import type { ResourceLimits, Transferable } from 'node:worker_threads'
import { Worker } from 'node:worker_threads'
import { ConcurrencyError } from '../errors.ts'
import type { Scope } from '../scope.ts'
import { suspend, type Resume } from '../suspend.ts'
import { fromFailure } from './failure.ts'
import type { Call, WorkerMessage } from './messages.ts'
import { notCloneable } from './portal.ts'

/** Beside this file, with the same ending: from the sources and from what was built. */
const entry = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)

/** A worker. It holds the program open only while somebody waits for it. */
export class PoolWorker {
  /** Resolves when the thread has ended. Never rejects. */
  readonly exited: Promise<void>
  readonly #worker: Worker
  readonly #name: string
  #state: 'starting' | 'ready' | 'ending' | 'gone' = 'starting'
  #waiting: (Resume<unknown> & { readonly what: string }) | undefined
  #cause: unknown

  constructor(name: string, resourceLimits: ResourceLimits | undefined) {
    this.#name = name
    this.#worker = new Worker(entry, {
      name,
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
      ...argumentsForFile(),
    })
    this.#worker.unref()
    this.#worker.on('message', (message: WorkerMessage) => this.#told(message))
    this.#worker.on('messageerror', (error) => {
      this.#waiting?.reject(notCloneable(`the result of a call in ${name}`, error))
    })
    this.#worker.on('error', (error) => {
      this.#cause = error
    })
    this.exited = new Promise((resolve) => {
      this.#worker.once('exit', (exitCode) => {
        this.#state = 'gone'
        this.#waiting?.reject(this.#died(this.#waiting.what, exitCode))
        resolve()
      })
    })
  }

  /** Whether it can take a call, now or when it has started. */
  get isUsable(): boolean {
    return this.#state === 'starting' || this.#state === 'ready'
  }

  /** Waits until it has started. A cancellation leaves it starting, for the next one. */
  async ready(scope: Scope): Promise<void> {
    if (this.#state === 'ready') return
    await this.#wait('its start', scope, () => () => undefined)
  }

  /** Gives it a call and waits for the result. A cancellation ends the thread, and the wait is over when it is gone. */
  async call(call: Call, transfer: readonly Transferable[], scope: Scope): Promise<unknown> {
    return await this.#wait(call.target.name, scope, (resume) => {
      try {
        this.#worker.postMessage(call, transfer)
      } catch (error) {
        resume.reject(notCloneable(`an argument of ${call.target.name}`, error))
      }
      return () => {
        void this.end()
        return 'settles-later'
      }
    })
  }

  /** Ends the thread, in the middle of what it does. Resolves when it is gone. */
  async end(): Promise<void> {
    if (this.#state !== 'gone') {
      this.#state = 'ending'
      void this.#worker.terminate()
    }
    await this.exited
  }

  async #wait(
    what: string,
    scope: Scope,
    begin: (resume: Resume<unknown>) => () => void | 'settles-later',
  ): Promise<unknown> {
    this.#worker.ref()
    try {
      return await suspend<unknown>(
        (resume) => {
          this.#waiting = { ...resume, what }
          if (this.#state === 'gone') resume.reject(this.#died(what, undefined))
          return begin(resume)
        },
        { scope, what: `${what} in ${this.#name}` },
      )
    } finally {
      this.#waiting = undefined
      this.#worker.unref()
    }
  }

  #told(message: WorkerMessage): void {
    // A thread that is being ended may have answered before: the wait is over when it is gone, not earlier.
    if (this.#state === 'ending') return
    if (message.type === 'ready') {
      this.#state = 'ready'
      this.#waiting?.resolve(undefined)
    } else if (message.type === 'done') this.#waiting?.resolve(message.value)
    else this.#waiting?.reject(fromFailure(message.failure))
  }

  #died(what: string, exitCode: number | undefined): ConcurrencyError {
    const how = exitCode === undefined ? '' : ` with exit code ${exitCode}`
    const why = this.#cause instanceof Error ? `: ${this.#cause.message}` : ''
    return new ConcurrencyError('CONCURRENCY_THREAD_DIED', `${this.#name} ended during ${what}${how}${why}`, {
      cause: this.#cause,
    })
  }
}

/** A program given as text, `node --input-type=module -e …`, hands that on to its threads, which then refuse files. */
function argumentsForFile(): { execArgv?: string[] } {
  const { execArgv } = process
  if (!execArgv.some((arg) => arg.startsWith('--input-type'))) return {}
  const withValue = new Set(['--input-type', '-e', '--eval', '-p', '-pe', '--print'])
  return {
    execArgv: execArgv.filter(
      (arg, at) =>
        !withValue.has(arg) && !withValue.has(execArgv[at - 1] ?? '') && !arg.startsWith('--input-type='),
    ),
  }
}
