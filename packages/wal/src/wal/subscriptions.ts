/** What a client follows of a log of operations, whatever carries its messages. */
import { createLock, createOwner, currentScope, type Owner, type Scope, sleep } from '@ipfs-kit/concurrency'
import { isFault, toFault } from '@ipfs-kit/operations'
import { WalError } from '../errors.ts'
import { wholeNumber } from '../option-checks.ts'
import { jobOf } from '../operations/job.ts'
import { shownStats } from '../operations/state.ts'
import {
  filterOfTopic,
  readMessage,
  type ServerMessage,
  type SubscriptionRequest,
} from './subscription-messages.ts'
import type { Wal } from './wal.ts'

/** What {@link createSubscriptions} takes. */
export interface SubscriptionsOptions {
  readonly wal: Pick<Wal, 'follow' | 'followBackends' | 'stats'>
  /**
   * Hands a message to the client, and resolves when it can take another: called for one at a time. While it waits, changes wait in
   * the log, which tells what was missed if there are too many. Rejects when the client is gone.
   */
  readonly send: (message: ServerMessage) => Promise<void>
  /** Subscriptions at the same time, 1 to 1,000. Default 32. */
  readonly maxSubscriptions?: number
}

/** The subscriptions of one client. */
export interface Subscriptions extends AsyncDisposable {
  /** Does what a message asks for; resolves when that was answered. What cannot be done is answered with an error. @throws what `send` rejects with */
  receive(text: string): Promise<void>
  /** Begins a subscription, as a message would. @throws WalError WAL_SUBSCRIPTIONS; what `send` rejects with */
  subscribe(request: SubscriptionRequest): Promise<void>
  stats(): SubscriptionsStats
  /** Ends all of them. Idempotent. */
  close(): Promise<void>
}

/** A frozen look at the subscriptions of a client. */
export interface SubscriptionsStats {
  readonly subscriptions: number
  /** Messages that were sent. */
  readonly sent: number
}

/** Makes the subscriptions of a client: none yet. @throws RangeError */
export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  return new ClientSubscriptions(options)
}

interface Followed {
  readonly owner: Owner
  /** All changes up to it were told. */
  lsn: number
}

class ClientSubscriptions implements Subscriptions {
  readonly #wal: SubscriptionsOptions['wal']
  readonly #deliver: SubscriptionsOptions['send']
  readonly #max: number
  readonly #followed = new Map<string, Followed>()
  readonly #sending = createLock({ name: 'messages to a client' })
  #sent = 0
  #seenLsn = 0
  #isClosed = false
  /** What `send` has rejected with: nobody is there any more. */
  #lost: { readonly error: unknown } | undefined

  constructor({ wal, send, maxSubscriptions }: SubscriptionsOptions) {
    this.#max = wholeNumber(maxSubscriptions, 'maxSubscriptions', 1, 1000, 32)
    this.#wal = wal
    this.#deliver = send
  }

  async receive(text: string): Promise<void> {
    let id: string | undefined
    try {
      const message = readMessage(text)
      if ('ping' in message) {
        await this.#send({ pong: message.ping, lsn: this.#lsn() })
      } else if ('unsubscribe' in message) {
        id = message.unsubscribe
        await this.#unsubscribe(id)
      } else {
        id = message.id
        await this.subscribe(message)
      }
    } catch (error) {
      if (this.#isOver(error)) throw error
      // With its id the end of a subscription would be told, of one that goes on.
      const isOver = id === undefined || !this.#followed.has(id)
      await this.#send({ ...(isOver && id !== undefined && { id }), lsn: this.#lsn(), error: told(error) })
    }
  }

  async subscribe(request: SubscriptionRequest): Promise<void> {
    const { id } = request
    if (this.#isClosed) throw new WalError('WAL_CLOSED', 'The subscriptions of this client are closed')
    if (this.#followed.has(id)) {
      throw new WalError('WAL_SUBSCRIPTIONS', `There is a subscription ${JSON.stringify(id)} already`)
    }
    if (this.#followed.size >= this.#max) {
      throw new WalError('WAL_SUBSCRIPTIONS', `A client has at most ${this.#max} subscriptions`)
    }
    const { log, index } = this.#wal.stats()
    const from = filterOfTopic(request)?.from ?? index.appliedLsn + 1
    const owner = createOwner({ name: `subscription ${id}` })
    const followed = { owner, lsn: Math.min(from, log.nextLsn) - 1 }
    this.#followed.set(id, followed)
    await this.#send({ subscribed: id, lsn: followed.lsn })
    if (this.#followed.get(id) !== followed) return
    owner.spawn(async (task) => {
      try {
        await this.#tell(request, from, followed, task)
      } catch (error) {
        // Who sends notices by itself that nobody is there: also in the moment in which this is told to stop.
        if (!this.#isOver(error)) throw error
      }
    })
  }

  stats(): SubscriptionsStats {
    return Object.freeze({ subscriptions: this.#followed.size, sent: this.#sent })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const all = [...this.#followed.values()]
    this.#followed.clear()
    for (const { owner } of all) await owner.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #unsubscribe(id: string): Promise<void> {
    const followed = this.#followed.get(id)
    if (followed === undefined) {
      throw new WalError('WAL_SUBSCRIPTIONS', `There is no subscription ${JSON.stringify(id)}`)
    }
    this.#followed.delete(id)
    await followed.owner.close()
    await this.#send({ unsubscribed: id, lsn: this.#lsn() })
  }

  /** Tells a topic until it is told to stop; what ends it by itself is told as the last. @throws what `send` rejects with */
  async #tell(request: SubscriptionRequest, from: number, followed: Followed, task: Scope): Promise<void> {
    const { id } = request
    const filter = filterOfTopic(request)
    try {
      if (request.subscribe === 'metrics') await this.#tellMetrics(id, request.intervalMs)
      else if (filter === undefined) await this.#tellBackends(id)
      else await this.#tellChanges(id, { ...filter, from }, followed)
      throw new WalError('WAL_CLOSED', 'The log was closed')
    } catch (error) {
      if (task.cancelled || this.#isOver(error)) throw error
      this.#followed.delete(id)
      // Who goes on behind it gets what was not told any more.
      await this.#send({ id, lsn: followed.lsn, error: told(error) })
    }
  }

  async #tellChanges(id: string, filter: Parameters<Wal['follow']>[0], followed: Followed): Promise<void> {
    for await (const change of this.#wal.follow(filter)) {
      if ('operation' in change) {
        await this.#send({ id, lsn: change.lsn, job: jobOf(change.operation, Date.now()) })
      } else {
        const { missedAfter: after, missedThrough: through } = change
        await this.#send({ id, lsn: through, missed: { after, through } })
      }
      followed.lsn = 'operation' in change ? change.lsn : change.missedThrough
    }
  }

  async #tellBackends(id: string): Promise<void> {
    for await (const health of this.#wal.followBackends()) await this.#send({ id, lsn: this.#lsn(), health })
  }

  async #tellMetrics(id: string, intervalMs: number): Promise<void> {
    for (;;) {
      const metrics = shownStats(this.#wal.stats())
      await this.#send({ id, lsn: metrics.index.appliedLsn, metrics })
      await sleep(intervalMs)
    }
  }

  /** All changes up to it can be seen by asking; while the log is away, as when it is opened again, the last that was. */
  #lsn(): number {
    try {
      this.#seenLsn = this.#wal.stats().index.appliedLsn
    } catch (error) {
      if (!isFault(error)) throw error
    }
    return this.#seenLsn
  }

  async #send(message: ServerMessage): Promise<void> {
    using _turn = await this.#sending.acquire()
    if (this.#lost !== undefined) throw this.#lost.error
    try {
      await this.#deliver(message)
      this.#sent += 1
    } catch (error) {
      // Who was told to stop has lost nobody.
      if (!Object.is(error, currentScope().reason)) this.#lost = { error }
      throw error
    }
  }

  #isOver(error: unknown): boolean {
    return this.#lost !== undefined && this.#lost.error === error
  }
}

function told(error: unknown): Extract<ServerMessage, { readonly error: unknown }>['error'] {
  const { code, kind, message, next } = toFault(error)
  return { code, kind, message, next, retryable: kind === 'temporary' }
}
