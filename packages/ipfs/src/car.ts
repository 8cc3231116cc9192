/** Content archives (CARv1; CARv2 is read too): export and verified import. */
import { createCidStack, createVisited } from '@ipfs-kit/blocks'
import { isFault } from '@ipfs-kit/operations'
import { encode as encodeCbor } from '@ipld/dag-cbor'
import type { Blockstore } from 'interface-blockstore'
import { CID } from 'multiformats/cid'
import { varint } from 'multiformats'
import { abortable } from './abortable.ts'
import type { BlockStore, Lease } from './block-store.ts'
import type { Calls } from './calls.ts'
import { isInline, linksIfKnown, linksOf, matches } from './codecs.ts'
import { IpfsError } from './errors.ts'
import type { Car, ImportResult } from './ipfs.ts'
import { checkMetadata, heldSource, type PinRecords } from './pins.ts'
import { ParallelWrites } from './parallel-writes.ts'
import { resolvePath } from './resolve.ts'
import { walkParts } from './walk.ts'

const writesAtOnce = 16
/** Bytes of a CID and of lengths that a section may have besides its block. */
const sectionOverheadBytes = 4096

/** Makes {@link Car}. */
export function createCar(parts: {
  readonly records: PinRecords
  readonly blocks: BlockStore
  readonly blockstore: Blockstore
  readonly calls: Calls
  readonly maxBlockBytes: number
}): Car {
  const { records, blocks, blockstore, calls, maxBlockBytes } = parts
  return {
    export: (path, options) =>
      calls.run(options, async (signal) => {
        const { cid } = await resolvePath(path, blockstore, signal)
        await blocks.get(cid, signal)
        return calls.stream(options, (streaming) => exportDag(cid, streaming))
      }),
    import: (source, options = {}) =>
      calls.run(options, async (signal) => {
        const metadata = checkMetadata(options.name === undefined ? {} : { name: options.name })
        const pin = options.pin ?? true
        const lease = blocks.lease('import', pin ? 'kept' : 'cache')
        try {
          const result = await take(source, lease, signal)
          await checkWhole(result.roots, lease, signal)
          await lease.flush({ signal })
          signal.throwIfAborted()
          if (pin) records.record(result.roots, Number.POSITIVE_INFINITY, metadata)
          return result
        } finally {
          lease.close()
        }
      }),
  }

  async function* exportDag(root: CID, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    yield framed(encodeCbor({ version: 1, roots: [root] }))
    const lease = blocks.lease('export', 'cache')
    const visited = createVisited()
    const stack = createCidStack()
    stack.push(root)
    await using reader = blocks.reader((cid, bytes) =>
      linksIfKnown(cid, bytes).filter((link) => !visited.has(link)),
    )
    try {
      for (let cid = stack.pop(); cid !== undefined; cid = stack.pop()) {
        if (!visited.add(cid)) continue
        await lease.hold(cid)
        const bytes = await reader.get(cid, signal)
        if (!isInline(cid)) yield framed(cid.bytes, bytes)
        for (const link of linksOf(cid, bytes).reverse()) stack.push(link)
      }
    } finally {
      lease.close()
    }
  }

  /** Stores all blocks of an archive, each verified. */
  async function take(
    source: AsyncIterable<Uint8Array>,
    lease: Lease,
    signal: AbortSignal,
  ): Promise<ImportResult> {
    const intake = new Intake(source, maxBlockBytes + sectionOverheadBytes, signal)
    const writes = new ParallelWrites(writesAtOnce)
    let count = 0
    let bytes = 0
    const chunks = intake.chunks()
    try {
      const { CarBlockIterator } = await import('@ipld/car/iterator')
      const archive = await CarBlockIterator.fromIterable(chunks)
      intake.passed()
      for await (const block of archive) {
        signal.throwIfAborted()
        intake.passed()
        // The decoder is typed against another copy of the CID class.
        const cid = CID.decode(block.cid.bytes)
        if (!(await matches(cid, block.bytes))) {
          throw new IpfsError(
            'IPFS_CAR_INVALID',
            `The archive holds a block that does not match its CID ${cid}`,
          )
        }
        count += 1
        bytes += block.bytes.byteLength
        // The decoder hands out views of its buffer; what outlives this step needs its own bytes, and slice() of a Buffer is no copy.
        const own = new Uint8Array(block.bytes)
        await writes.add(() => lease.put(cid, own))
      }
      await writes.end()
      return { roots: (await archive.getRoots()).map((root) => CID.decode(root.bytes)), blocks: count, bytes }
    } catch (error) {
      await writes.settle()
      signal.throwIfAborted()
      if (isFault(error)) throw error
      if (intake.failure !== undefined) throw intake.failure
      throw new IpfsError('IPFS_CAR_INVALID', `The archive is truncated or no CAR: ${String(error)}`, {
        cause: error,
      })
    } finally {
      // The decoder never lets go of its source by itself.
      await chunks.return()
    }
  }

  /** A CAR that was cut between two blocks decodes without an error: only a walk shows what it lacks. */
  async function checkWhole(roots: readonly CID[], lease: Lease, signal: AbortSignal): Promise<void> {
    if (roots.length === 0) throw new IpfsError('IPFS_CAR_INVALID', 'The archive names no root')
    // One view for all roots: many roots over the same blocks cost what the blocks weigh.
    const visited = createVisited()
    for (const root of roots) {
      try {
        for await (const _ of walkParts(root, heldSource(blocks, lease, signal), { signal, visited }));
      } catch (cause) {
        if (!(cause instanceof IpfsError) || cause.code !== 'IPFS_BLOCK_NOT_FOUND') throw cause
        throw new IpfsError(
          'IPFS_CAR_INVALID',
          `The archive lacks blocks of its root ${root}: ${cause.message}`,
          { cause },
        )
      }
    }
  }
}

/** The bytes of an archive on their way in, bounded: a section whose length lies is not waited for. */
class Intake {
  readonly #source: AsyncIterable<Uint8Array>
  readonly #maxSectionBytes: number
  readonly #signal: AbortSignal
  #inHeader = true
  /** Bytes given to the decoder since something last came out of it. */
  #waitingBytes = 0
  /** What the source failed with; the decoder's own errors are about the format. */
  failure: unknown

  constructor(source: AsyncIterable<Uint8Array>, maxSectionBytes: number, signal: AbortSignal) {
    this.#source = source
    this.#maxSectionBytes = maxSectionBytes
    this.#signal = signal
  }

  /** Notes that the header or a block came out of the decoder. */
  passed(): void {
    this.#inHeader = false
    this.#waitingBytes = 0
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of abortable(this.#source, this.#signal)) {
        if (this.#waitingBytes > this.#maxSectionBytes) throw this.#tooLarge()
        this.#waitingBytes += chunk.byteLength
        yield chunk
      }
    } catch (error) {
      this.failure = error
      throw error
    }
  }

  #tooLarge(): IpfsError {
    return this.#inHeader
      ? new IpfsError(
          'IPFS_CAR_INVALID',
          `The archive has a header larger than ${this.#maxSectionBytes} bytes`,
        )
      : new IpfsError(
          'IPFS_BLOCK_TOO_LARGE',
          `The archive has a section larger than ${this.#maxSectionBytes} bytes`,
        )
  }
}

/** A section: the length of what follows, then it. */
function framed(...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0)
  const prefix = varint.encodeTo(length, new Uint8Array(varint.encodingLength(length)))
  return Buffer.concat([prefix, ...parts])
}
