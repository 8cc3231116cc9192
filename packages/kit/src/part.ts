/** One part: what is open under its name, who uses it, and what state it is in. */
import { createEvent, type Event, moveOnAfter, type Owner, run, type Task } from '@ipfs-kit/concurrency'
import { KitError } from './errors.ts'
import type { PartState, PartStatus } from './parts.ts'

/** One part of {@link createParts}; its methods keep what is said there. */
export interface Part {
  open(): Promise<void>
  current(): AsyncDisposable
  /** Counts a call as a user of the part; what it returns ends that, and may be called twice. */
  lend(controller: AbortController): () => void
  /** Waits for the end of what is under way. */
  settled(): Promise<void>
  restart(): Promise<PartStatus>
  close(): Promise<void>
  status(): PartStatus
}

/** What {@link createPart} takes. */
export interface PartOptions {
  readonly name: string
  readonly graceMs: number
  /** Whose tasks restarts and disposals are: they go on when their caller does not wait for them. */
  readonly owner: Owner
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
  #disposing: Task<void> | undefined
  #opening: Promise<void> | undefined
  #restarting: Task<PartStatus> | undefined
  #unused: Event | undefined
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
      if (this.#users.size === 0) this.#unused?.set()
    }
  }

  async settled(): Promise<void> {
    await run(this.#begun())
  }

  restart(): Promise<PartStatus> {
    if (this.#restarting === undefined) {
      this.#become('restarting')
      this.#cancelCalls()
      this.#restarting = this.#options.owner.spawn(() => this.#restart(), {
        name: `restart of ${this.#options.name}`,
      })
    }
    return this.#restarting.join()
  }

  async #restart(): Promise<PartStatus> {
    try {
      await this.#endInstance()
      await this.#open(1)
    } catch (error) {
      this.#become('failed', error)
    }
    this.#restarting = undefined
    return this.status()
  }

  async close(): Promise<void> {
    try {
      if ((await within(this.#options.graceMs, () => this.#begun())) === 'late') throw this.#stuck('opened')
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

  /** The end of what is under way. A restart never rejects; a failed opening has been told to its caller and left nothing open. */
  #begun(): Promise<unknown> {
    return Promise.allSettled([this.#restarting, this.#opening])
  }

  /** Cancels the calls, waits for them, and closes the instance. Afterwards there is none. */
  async #endInstance(): Promise<void> {
    const { graceMs, name, owner } = this.#options
    this.#cancelCalls()
    if (!(await this.#areCallsOver())) {
      this.#abandonedCalls += this.#users.size
      this.#users.clear()
    }
    const instance = this.#instance
    if (instance !== undefined) {
      this.#disposing ??= owner.spawn(() => instance[Symbol.asyncDispose](), { name: `end of ${name}` })
      const disposing = this.#disposing
      let outcome: 'ended' | 'late'
      try {
        // When it is late, whoever tries again waits for the same end; its failure is told then.
        outcome = await within(graceMs, () => disposing.join())
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

  #cancelCalls(): void {
    const reason = this.#unavailable()
    for (const controller of [...this.#users]) controller.abort(reason)
  }

  async #areCallsOver(): Promise<boolean> {
    if (this.#users.size === 0) return true
    const unused = createEvent({ name: `${this.#options.name} is unused` })
    this.#unused = unused
    try {
      return (await within(this.#options.graceMs, () => unused.wait())) === 'ended'
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

/**
 * Waits at most `ms`, whatever becomes of the caller: a part is closed to its end. `late` means that what was waited for
 * goes on. A failure in time is passed on.
 */
async function within(ms: number, wait: () => PromiseLike<unknown>): Promise<'ended' | 'late'> {
  const body = async () => {
    await run(wait())
    return 'ended' as const
  }
  // What has ended already is seen to have, also when nobody wants to wait.
  return (await moveOnAfter(Math.max(ms, 1), body, { shield: true })) ?? 'late'
}

function tell(error: unknown): { readonly code: string; readonly message: string } {
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string'
      ? error.code
      : 'OPERATION_INTERNAL'
  return Object.freeze({ code, message: error instanceof Error ? error.message : String(error) })
}
