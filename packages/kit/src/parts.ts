/** The opened parts of a node by name: lent to calls, restarted one at a time, closed in reverse. */
import diagnosticsChannel from 'node:diagnostics_channel'
import { createOwner } from '@ipfs-kit/concurrency'
import type { BorrowedParts } from '@ipfs-kit/operations'
import { KitError } from './errors.ts'
import { type Part, createPart } from './part.ts'

/**
 * State of a part: `running`; `restarting`: closing and opening again; `failed`: it could not be opened or
 * closed and waits for a restart; `closed`: for good.
 */
export type PartState = 'running' | 'restarting' | 'failed' | 'closed'

/** A part as `node.parts` shows it. */
export interface PartStatus {
  readonly name: string
  readonly state: PartState
  /** When it came into this state, ISO 8601. */
  readonly since: string
  /** Restarts that brought it back. */
  readonly restarts: number
  /**
   * Calls that went on after the grace time of a restart, in all; their results come from the part that was
   * closed.
   */
  readonly abandonedCalls: number
  /** Why it has failed. */
  readonly error?: { readonly code: string; readonly message: string }
}

/** Options of {@link createParts}. */
export interface PartsOptions {
  /**
   * How long a restart or `close` waits for the calls that it has cancelled, and then for the part to close;
   * in milliseconds each. Default 2,000.
   */
  readonly graceMs?: number
}

/** Opens a part. The signal ends the opening when the parts are closed. */
export type Opener<P extends AsyncDisposable> = (signal: AbortSignal) => Promise<P>

/** Named parts. Each change of a state is published on the channel `kit:part` as a {@link PartStatus}. */
export interface Parts extends AsyncDisposable {
  /**
   * Opens a part and keeps how to do it again. Rejects with what the opener rejects with (the part is listed
   * as `failed` then), `KIT_CLOSED`, or a TypeError when the name is taken.
   */
  open<P extends AsyncDisposable>(name: string, opener: Opener<P>): Promise<P>
  /** The parts in the order in which they were opened. */
  list(): readonly PartStatus[]
  /**
   * The part as it is now. Ask again for each use: a restart replaces it. Throws `KIT_PART_UNKNOWN`,
   * `KIT_PART_UNAVAILABLE`.
   */
  current(name: string): AsyncDisposable
  /**
   * Lends parts to one call. The signal is aborted when one of them restarts or closes, with
   * `KIT_PART_UNAVAILABLE` as its reason; `release` must be called when the call has ended. Throws as
   * `current`, and `KIT_CLOSED`.
   */
  borrow(names: readonly string[]): BorrowedParts
  /** The same, but waits while one of them is opened or restarted. Throws as `borrow` for what has come of that. */
  borrowSettled(names: readonly string[]): Promise<BorrowedParts>
  /**
   * Cancels the calls that use a part, waits for them (at most the grace time), closes it, and opens it
   * again. New calls get `KIT_PART_UNAVAILABLE` meanwhile; other parts go on. When it cannot be closed or
   * opened, it is `failed`, and may be restarted again. A second restart joins the first. Throws
   * `KIT_PART_UNKNOWN`, `KIT_CLOSED`.
   */
  restart(name: string): Promise<PartStatus>
  /**
   * Closes all parts in the reverse order of their opening, after their calls were cancelled. Idempotent.
   * Every part is tried; then it rejects with the failure of the first that could not be closed,
   * `KIT_PART_STUCK` if it took too long.
   */
  close(): Promise<void>
}

const channel = diagnosticsChannel.channel('kit:part')

/** Makes an empty set of parts. */
export function createParts(options: PartsOptions = {}): Parts {
  return new NamedParts(options.graceMs ?? 2000)
}

class NamedParts implements Parts {
  readonly #parts = new Map<string, Part>()
  readonly #graceMs: number
  readonly #owner = createOwner({ name: 'parts' })
  readonly #ending = new AbortController()
  #closing: Promise<void> | undefined

  constructor(graceMs: number) {
    if (!Number.isFinite(graceMs) || graceMs < 0)
      throw new RangeError(`graceMs is a number from 0, not ${graceMs}`)
    this.#graceMs = graceMs
  }

  async open<P extends AsyncDisposable>(name: string, opener: Opener<P>): Promise<P> {
    this.#checkOpen()
    if (this.#parts.has(name)) throw new TypeError(`There is a part called ${name} already`)
    const part = createPart({
      name,
      graceMs: this.#graceMs,
      owner: this.#owner,
      ending: this.#ending.signal,
      open: opener,
      onChange: (status) => {
        if (channel.hasSubscribers) channel.publish(status)
      },
    })
    this.#parts.set(name, part)
    await part.open()
    // Only this opener makes the instances of this part.
    return part.current() as P
  }

  list(): readonly PartStatus[] {
    return [...this.#parts.values()].map((part) => part.status())
  }

  current(name: string): AsyncDisposable {
    return this.#part(name).current()
  }

  borrow(names: readonly string[]): BorrowedParts {
    this.#checkOpen()
    const lent = names.map((name) => [name, this.#part(name).current()] as const)
    const controller = new AbortController()
    const returns = names.map((name) => this.#part(name).lend(controller))
    return {
      parts: Object.fromEntries(lent),
      // A call without parts ends with all of them.
      signal: names.length === 0 ? this.#ending.signal : controller.signal,
      release: () => returns.forEach((giveBack) => giveBack()),
    }
  }

  async borrowSettled(names: readonly string[]): Promise<BorrowedParts> {
    for (;;) {
      const busy = names.map((name) => this.#part(name)).find((part) => part.status().state === 'restarting')
      // In the same turn: nothing begins between.
      if (busy === undefined) return this.borrow(names)
      await busy.settled()
    }
  }

  async restart(name: string): Promise<PartStatus> {
    this.#checkOpen()
    return this.#part(name).restart()
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #closeAll(): Promise<void> {
    this.#ending.abort(new KitError('KIT_CLOSED', 'The kit is closing'))
    const failures: unknown[] = []
    for (const part of [...this.#parts.values()].toReversed()) {
      await part.close().catch((error: unknown) => failures.push(error))
    }
    // What is stuck would hold the owner open; it stays in the tree of tasks.
    if (failures.length > 0) throw failures[0]
    await this.#owner.close()
  }

  #checkOpen(): void {
    if (this.#ending.signal.aborted) throw new KitError('KIT_CLOSED', 'The kit is closed')
  }

  #part(name: string): Part {
    const part = this.#parts.get(name)
    if (part !== undefined) return part
    const known = [...this.#parts.keys()].join(', ')
    throw new KitError(
      'KIT_PART_UNKNOWN',
      `There is no part ${JSON.stringify(name)}; there are: ${known || 'none'}`,
    )
  }
}
