/** One worker of a pool, seen from the pool. */
import type { MessagePort, ResourceLimits, Transferable } from 'node:worker_threads'
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { ConcurrencyError, describeThrown } from '../errors.ts'
import type { Scope } from '../scope.ts'
import { suspend, type Resume } from '../suspend.ts'
import { fromFailure, type Failure } from './failure.ts'
import type { Call, Work, WorkerMessage } from './messages.ts'
import { notCloneable } from './portal.ts'

/** Beside this file, with the same ending: from the sources and from what was built. */
const entry = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)

/** A worker. It holds the program open only while somebody waits for it. */
export class PoolWorker {
  /** Resolves when the thread has ended. Never rejects. */
  readonly exited: Promise<void>
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #name: string
  #state: 'starting' | 'ready' | 'ending' | 'gone' = 'starting'
  #waiting: (Resume<unknown> & { readonly what: string }) | undefined
  #lastId = 0
  #cause: unknown
  /** The call that left a mess behind when it ended: a thread with one takes no other call. */
  #culprit: string | undefined

  constructor(name: string, resourceLimits: ResourceLimits | undefined) {
    this.#name = name
    this.#worker = new Worker(entry, {
      name,
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
      ...argumentsForFile(),
    })
    this.#worker.unref()
    const { port1, port2 } = new MessageChannel()
    this.#worker.postMessage(port2, [port2])
    this.#port = port1
    this.#port.on('message', (message: WorkerMessage) => this.#told(message))
    this.#port.on('messageerror', (error) => {
      this.#waiting?.reject(notCloneable(`the result of a call in ${name}`, error))
    })
    this.#port.unref()
    this.#worker.on('error', (error) => {
      this.#cause = error
    })
    this.exited = new Promise((resolve) => {
      this.#worker.once('exit', (exitCode) => {
        // What it said last may be here without having been told.
        for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port)) {
          this.#told(next.message as WorkerMessage)
        }
        this.#port.close()
        this.#state = 'gone'
        this.#waiting?.reject(this.#died(this.#waiting.what, exitCode))
        resolve()
      })
    })
  }

  /** Whether it can take a call, now or when it has started. */
  get isUsable(): boolean {
    return this.#culprit === undefined && (this.#state === 'starting' || this.#state === 'ready')
  }

  /** Waits until it has started. A cancellation leaves it starting, for the next one. */
  async ready(scope: Scope): Promise<void> {
    if (this.#state === 'ready') return
    await this.#wait('its start', scope, () => () => undefined)
  }

  /** Gives it a call and waits for the result. A cancellation ends the thread, and the wait is over when it is gone. */
  async call(work: Work, transfer: readonly Transferable[], scope: Scope): Promise<unknown> {
    const { name } = work.target
    return await this.#wait(name, scope, (resume) => {
      this.#lastId += 1
      try {
        this.#port.postMessage({ ...work, id: this.#lastId } satisfies Call, transfer)
      } catch (error) {
        resume.reject(notCloneable(`an argument of ${name}`, error))
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
    switch (message.type) {
      case 'ready':
        this.#state = 'ready'
        this.#waiting?.resolve(undefined)
        break
      case 'answer': {
        const { id, outcome } = message
        if (id !== this.#lastId) break
        if (outcome.type === 'done') this.#waiting?.resolve(outcome.value)
        else this.#waiting?.reject(fromFailure(outcome.failure))
        break
      }
      case 'unreadable':
        this.#waiting?.reject(fromFailure(message.failure))
        break
      case 'uncaught':
        this.#cause = fromFailure(message.failure)
        break
      case 'late':
        this.#late(message.name, message.failure)
        break
      case 'exits':
        this.#culprit = message.name
    }
  }

  /** An error of a call that had ended. Nobody waits for it, so that the program is warned, once a thread. */
  #late(name: string, failure: Failure): void {
    if (this.#culprit !== undefined) return
    this.#culprit = name
    const error = fromFailure(failure)
    process.emitWarning(
      `${name} left something behind in ${this.#name} that failed after its end: ${describeThrown(error)}`,
      {
        type: 'ThreadWarning',
        code: 'CONCURRENCY_THREAD_LATE',
        ...(error instanceof Error && error.stack !== undefined ? { detail: error.stack } : {}),
      },
    )
    if (this.#waiting === undefined) void this.end()
  }

  #died(what: string, exitCode: number | undefined): ConcurrencyError {
    const how = exitCode === undefined ? '' : ` with exit code ${exitCode}`
    const culprit =
      this.#culprit === undefined ? '' : `, by what ${this.#culprit} left behind, an earlier call`
    const why = this.#cause === undefined ? '' : `: ${describeThrown(this.#cause)}`
    return new ConcurrencyError(
      'CONCURRENCY_THREAD_DIED',
      `${this.#name} ended during ${what}${how}${culprit}${why}`,
      {
        cause: this.#cause,
      },
    )
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
