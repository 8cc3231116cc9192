/** One part: what is open under its name, who uses it, and what state it is in. */
import { within } from './deadline.ts'
import { KitError } from './errors.ts'
import type { PartState, PartStatus } from './parts.ts'

/** One part of {@link createParts}; its methods keep what is said there. */
export interface Part {
  open(): Promise<void>
  current(): AsyncDisposable
  /** Counts a call as a user of the part; what it returns ends that, and may be called twice. */
  lend(controller: AbortController): () => void
  restart(): Promise<PartStatus>
  close(): Promise<void>
  status(): PartStatus
}

/** What {@link createPart} takes. */
export interface PartOptions {
  readonly name: string
  readonly graceMs: number
  /** Aborted when all parts are closed: from then on the part is lent to nobody. */
  readonly ending: AbortSignal
  readonly open: (ending: AbortSignal) => Promise<AsyncDisposable>
  readonly onChange: (status: PartStatus) => void
}

/** Makes a part that is not open yet. */
export function createPart(options: PartOptions): Part {
  return new NamedPart(options)
}

class NamedPart implements Part {
  readonly #options: PartOptions
  readonly #users = new Set<AbortController>()
  #instance: AsyncDisposable | undefined
  /** The end of the instance before, which may be late. */
  #disposing: Promise<void> | undefined
  #opening: Promise<void> | undefined
  #restarting: Promise<PartStatus> | undefined
  #unused: (() => void) | undefined
  #state: PartState = 'restarting'
  #since = new Date()
  #restarts = 0
  #abandonedCalls = 0
  #error: { readonly code: string; readonly message: string } | undefined

  constructor(options: PartOptions) {
    this.#options = options
  }

  open(): Promise<void> {
    this.#opening = this.#openFirst()
    return this.#opening
  }

  async #openFirst(): Promise<void> {
    try {
      await this.#open(0)
    } catch (error) {
      this.#become('failed', error)
      throw error
    }
  }

  async #open(restarts: 0 | 1): Promise<void> {
    const { open, ending } = this.#options
    this.#instance = await open(ending)
    // Who closes waits for the opening, and closes what has come of it.
    if (ending.aborted) throw this.#unavailable()
    this.#restarts += restarts
    this.#become('running')
  }

  current(): AsyncDisposable {
    if (this.#options.ending.aborted || this.#state !== 'running' || this.#instance === undefined)
      throw this.#unavailable()
    return this.#instance
  }

  lend(controller: AbortController): () => void {
    this.#users.add(controller)
    return () => {
      this.#users.delete(controller)
      if (this.#users.size === 0) this.#unused?.()
    }
  }

  restart(): Promise<PartStatus> {
    this.#restarting ??= this.#restart().finally(() => {
      this.#restarting = undefined
    })
    return this.#restarting
  }

  async #restart(): Promise<PartStatus> {
    this.#become('restarting')
    try {
      await this.#endInstance()
      await this.#open(1)
    } catch (error) {
      this.#become('failed', error)
    }
    return this.status()
  }

  async close(): Promise<void> {
    try {
      // A restart never rejects; a failed opening has been told to its caller and left nothing open.
      const begun = Promise.allSettled([this.#restarting, this.#opening])
      if ((await within(begun, this.#options.graceMs)) === 'late') throw this.#stuck('opened')
      await this.#endInstance()
    } catch (error) {
      this.#become('failed', error)
      throw error
    }
    this.#become('closed')
  }

  status(): PartStatus {
    return Object.freeze({
      name: this.#options.name,
      state: this.#state,
      since: this.#since.toISOString(),
      restarts: this.#restarts,
      abandonedCalls: this.#abandonedCalls,
      ...(this.#error === undefined ? {} : { error: this.#error }),
    })
  }

  /** Cancels the calls, waits for them, and closes the instance. Afterwards there is none. */
  async #endInstance(): Promise<void> {
    const reason = this.#unavailable()
    for (const controller of [...this.#users]) controller.abort(reason)
    if (!(await this.#areCallsOver())) {
      this.#abandonedCalls += this.#users.size
      this.#users.clear()
    }
    const instance = this.#instance
    if (instance !== undefined) {
      this.#disposing ??= (async () => instance[Symbol.asyncDispose]())()
      // When it is late, whoever tries again waits for the same end; its failure is told then.
      this.#disposing.catch(() => {})
      let outcome: 'ended' | 'late'
      try {
        outcome = await within(this.#disposing, this.#options.graceMs)
      } catch (error) {
        // Closing may be tried again.
        this.#disposing = undefined
        throw error
      }
      if (outcome === 'late') throw this.#stuck('closed')
      this.#disposing = undefined
      this.#instance = undefined
    }
  }

  async #areCallsOver(): Promise<boolean> {
    if (this.#users.size === 0) return true
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#unused = resolve
    try {
      return (await within(promise, this.#options.graceMs)) === 'ended'
    } finally {
      this.#unused = undefined
    }
  }

  #become(state: PartState, error?: unknown): void {
    this.#state = state
    this.#since = new Date()
    this.#error = error === undefined ? undefined : tell(error)
    this.#options.onChange(this.status())
  }

  #unavailable(): KitError {
    const why = this.#error === undefined ? '' : ` (${this.#error.code}: ${this.#error.message})`
    const state = this.#options.ending.aborted ? 'closing' : this.#state
    return new KitError('KIT_PART_UNAVAILABLE', `The part ${this.#options.name} is ${state} now${why}`)
  }

  #stuck(what: 'opened' | 'closed'): KitError {
    const { name, graceMs } = this.#options
    return new KitError('KIT_PART_STUCK', `The part ${name} has not ${what} within ${graceMs} ms`)
  }
}

function tell(error: unknown): { readonly code: string; readonly message: string } {
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string'
      ? error.code
      : 'OPERATION_INTERNAL'
  return Object.freeze({ code, message: error instanceof Error ? error.message : String(error) })
}
