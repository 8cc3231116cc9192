/** A backend that gets its bytes from a peer which sends them wrong, and checks them; or does not. */
import { createHash } from 'node:crypto'
import { moveOnAfter, run, sleep } from '@ipfs-kit/concurrency'
import { createMemoryBackend, StorageError } from '@ipfs-kit/storage'
import type { FaultyObject, PeerFault } from '@ipfs-kit/storage/conformance'
import { delegate } from '@ipfs-kit/storage/testing'

/** What a client may leave out. */
export interface Checks {
  readonly length?: boolean
  readonly digest?: boolean
  readonly deadline?: boolean
}

/** The bytes as the peer sends them. */
async function* sent(bytes: Uint8Array, fault: PeerFault): AsyncGenerator<Uint8Array> {
  const half = bytes.length >>> 1
  yield bytes.slice(0, half)
  if (fault === 'truncated') return
  if (fault === 'stalled') await sleep(Infinity)
  const rest = bytes.slice(half)
  if (fault === 'wrong-bytes') rest[7]! ^= 1
  yield rest
  while (fault === 'endless') yield new Uint8Array(1000)
}

/** A client of such a peer, with an object. */
export async function faultyObject(fault: PeerFault, checks: Checks = {}): Promise<FaultyObject> {
  const { length = true, digest = true, deadline = true } = checks
  const good = createMemoryBackend({ maxBytes: 1_000_000 })
  const bytes = new Uint8Array(10_000).map((_, at) => at % 251)
  const key = 'object'
  await good.put(key, bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const corrupt = (what: string): StorageError => new StorageError('STORAGE_CORRUPT', what)
  async function* checked(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const hash = createHash('sha256')
    let received = 0
    let held: Uint8Array | undefined
    const peer = sent(bytes, fault)
    for (;;) {
      const step = await nextOf(peer, deadline ? 20 : 60_000, signal)
      if (step.done === true) break
      received += step.value.length
      if (length && received > bytes.length) throw corrupt('More bytes than promised')
      hash.update(step.value)
      if (held !== undefined) yield held
      held = step.value
    }
    if (length && received < bytes.length) throw corrupt('Fewer bytes than promised')
    if (digest && hash.digest('hex') !== sha256) throw corrupt('Other bytes than promised')
    if (held !== undefined) yield held
  }
  const backend = delegate(good, {
    async get(one, options) {
      const found = await good.get(one, options)
      return found && { ...found, body: checked(options?.signal) }
    },
  })
  return { backend, key, bytes }
}

/** The next piece, in time and unless the signal is aborted. */
async function nextOf(
  peer: AsyncGenerator<Uint8Array>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<IteratorResult<Uint8Array>> {
  signal?.throwIfAborted()
  const step = await moveOnAfter(timeoutMs, () => run(peer.next()), signal === undefined ? {} : { signal })
  signal?.throwIfAborted()
  if (step === undefined) throw new StorageError('STORAGE_UNAVAILABLE', 'The peer stands still')
  return step
}
