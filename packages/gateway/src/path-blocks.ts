/** The blocks that one must have to verify where a path leads, also the inner ones of HAMT folders. */
import type { CID } from 'multiformats/cid'
import type { GatewayIpfs } from './node.ts'

/**
 * Walks a path that is known to exist and yields each block that the walk has read as a section of a CAR, without the one at its
 * end. Blocks inside their own CID (identity hash) are left out, as the specification wants it.
 */
export async function* pathBlocks(
  blocks: GatewayIpfs['blocks'],
  root: CID,
  names: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { resolvers } = await import('ipfs-unixfs-exporter')
  const sections: Uint8Array[] = []
  const recording = {
    async *get(cid: CID): AsyncGenerator<Uint8Array> {
      const bytes = await blocks.get(cid, { signal })
      if (cid.multihash.code !== identityHash) sections.push(...section(cid, bytes))
      yield bytes
    },
  }
  let cid = root
  let rest = [...names]
  while (rest.length > 0) {
    const resolver = resolvers[cid.code]
    if (resolver === undefined) throw new Error(`No path leads through ${cid}: its codec has no links`)
    const from = cid
    for await (const step of resolver(cid, rest, recording)) {
      cid = step.cid
      rest = step.rest
    }
    yield* sections.splice(0)
    if (cid.equals(from)) return
  }
}

const identityHash = 0x00

/** A section of a CARv1: its length as an unsigned LEB128 number, the CID, the block. */
function section(cid: CID, bytes: Uint8Array): Uint8Array[] {
  const prefix: number[] = []
  let length = cid.bytes.byteLength + bytes.byteLength
  for (; length >= 0x80; length = Math.floor(length / 0x80)) prefix.push((length % 0x80) | 0x80)
  prefix.push(length)
  return [Buffer.concat([Uint8Array.from(prefix), cid.bytes]), bytes]
}
