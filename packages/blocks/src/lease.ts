/** Leases: what they touch cannot go while they are open, and is durable after their flush. */
import type { CID } from 'multiformats/cid'
import type { CallOptions, Lease, LeaseOptions, PutOptions, Stream } from './blocks.ts'
import { identityCode, mustMatch } from './digest.ts'
import { BlocksError } from './errors.ts'
import type { Store } from './store.ts'

/** Opens a lease. */
export function openLease(store: Store, options: LeaseOptions = {}): Lease {
  store.check(undefined)
  const { name = 'lease', stream = 'kept' } = options
  for (const key of Object.keys(options)) {
    if (key !== 'name' && key !== 'stream')
      throw new TypeError(`A lease has no option ${JSON.stringify(key)}`)
  }
  if (stream !== 'kept' && stream !== 'cache')
    throw new TypeError(`stream is kept or cache, not ${String(stream)}`)
  return new StoreLease(store, name, stream)
}

class StoreLease implements Lease {
  readonly name: string
  readonly #store: Store
  readonly #stream: Stream
  readonly #era: number
  #open = true

  constructor(store: Store, name: string, stream: Stream) {
    this.#store = store
    this.name = name
    this.#stream = stream
    this.#era = store.parts.epochs.leaseOpened()
  }

  async put(cid: CID, bytes: Uint8Array, options: PutOptions = {}): Promise<'new' | 'found'> {
    this.#check()
    if (cid.multihash.code === identityCode) return 'found'
    if (options.verify !== 'on-read') await mustMatch(cid, bytes)
    const key = this.#store.blockKey(cid)
    const { scope, signal } = options
    return this.#store.puts.put(key, bytes, { scope, signal, stream: this.#stream, leased: true })
  }

  async hold(cid: CID, options?: CallOptions): Promise<boolean> {
    this.#check()
    this.#store.check(options)
    if (cid.multihash.code === identityCode) return true
    return this.#store.puts.hold(this.#store.blockKey(cid), this.#stream, options)
  }

  async flush(options?: CallOptions): Promise<void> {
    this.#check()
    this.#store.check(options)
    if (this.#stream === 'kept') await this.#store.parts.streams.kept.sync({ signal: options?.signal })
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#store.parts.epochs.leaseClosed(this.#era)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #check(): void {
    if (!this.#open) throw new BlocksError('BLOCKS_CLOSED', `The lease ${this.name} is closed`)
  }
}
