/** IPLD nodes and single blocks. */
import type { Blockstore } from 'interface-blockstore'
import type { CID } from 'multiformats/cid'
import type { BlockStore } from './block-store.ts'
import type { Calls } from './calls.ts'
import { cidOf, decodeBlock, decodeValue, encodeValue, linksOf } from './codecs.ts'
import { parseCid } from './content-path.ts'
import { IpfsError } from './errors.ts'
import type { Blocks, CallOptions, Dag, DagCodec } from './ipfs.ts'
import { heldSource, type PinRecords } from './pins.ts'
import { readBlock, resolvePath, valueAt } from './resolve.ts'
import { walkParts } from './walk.ts'

interface Parts {
  readonly records: PinRecords
  readonly blocks: BlockStore
  readonly blockstore: Blockstore
  readonly calls: Calls
}

/** Makes {@link Dag}. */
export function createDag(parts: Parts): Dag {
  const { blockstore, calls } = parts
  return {
    get: (path, options) =>
      calls.run(options, async (signal) => {
        const { cid, inner } = await resolvePath(path, blockstore, signal)
        const found = valueAt(decodeBlock(cid, await readBlock(cid, blockstore, signal)), inner)
        if (found === undefined)
          throw new IpfsError('IPFS_PATH_NOT_FOUND', `There is no /${inner.join('/')} in ${cid}`)
        return { cid, value: found.value }
      }),
    put: (value, options = {}) => {
      const { codec = 'dag-cbor' } = options
      return store(parts, codec, options, () => encodeValue(codec, value))
    },
  }
}

/** Makes {@link Blocks}. */
export function createBlocks(parts: Parts): Blocks {
  const { blocks, calls } = parts
  return {
    get: (cid, options) => calls.run(options, (signal) => blocks.get(asCid(cid), signal)),
    put: (bytes, options = {}) => {
      const { codec = 'raw' } = options
      return store(parts, codec, options, () => {
        // What claims a codec has to decode with it, or nobody could ever walk it.
        if (codec !== 'raw') decodeValue(codec, bytes)
        return bytes
      })
    },
    stat: (cid, options) =>
      calls.run(options, async (signal) => {
        const parsed = asCid(cid)
        const size = await blocks.size(parsed)
        if (size !== undefined) return { cid: parsed, size }
        return { cid: parsed, size: (await blocks.get(parsed, signal)).byteLength }
      }),
  }
}

/** Stores one block and, if asked, pins it with everything below it, which then has to be here. */
function store(
  parts: Parts,
  codec: DagCodec,
  options: CallOptions & { readonly pin?: boolean },
  encode: () => Uint8Array,
): Promise<CID> {
  const { records, blocks, calls } = parts
  const pin = options.pin === true
  return calls.run(options, async (signal) => {
    const bytes = encode()
    const cid = await cidOf(codec, bytes)
    const lease = blocks.lease('put', pin ? 'kept' : 'cache')
    try {
      await lease.put(cid, bytes)
      signal.throwIfAborted()
      if (pin) {
        if (linksOf(cid, bytes).length > 0) {
          for await (const _ of walkParts(cid, heldSource(blocks, lease, signal), { signal }));
        }
        await lease.flush({ signal })
        records.record([cid], Number.POSITIVE_INFINITY, {})
      }
      return cid
    } finally {
      lease.close()
    }
  })
}

function asCid(cid: string | CID): CID {
  return typeof cid === 'string' ? parseCid(cid) : cid
}
