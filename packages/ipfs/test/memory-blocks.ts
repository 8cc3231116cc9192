/** Blocks in memory that count what is asked of them. */
import { IpfsError } from '@ipfs-kit/ipfs'
import { decode } from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import type { CID } from 'multiformats/cid'

/** Blocks in memory; `get` and `put` can be handed on. */
export function memoryBlocks() {
  const blocks = new Map<string, Uint8Array>()
  let gets = 0
  let puts = 0
  return {
    get: async (cid: CID): Promise<Uint8Array> => {
      gets += 1
      const bytes = blocks.get(cid.toString())
      if (bytes === undefined) throw new IpfsError('IPFS_BLOCK_NOT_FOUND', `${cid} is not here`)
      return bytes
    },
    put: async (cid: CID, bytes: Uint8Array): Promise<void> => {
      puts += 1
      // The memory is used again by who puts.
      blocks.set(cid.toString(), Uint8Array.from(bytes))
    },
    /** What it counts while something is done. */
    async during<T>(work: () => Promise<T>): Promise<{ value: T; gets: number; puts: number }> {
      const [getsBefore, putsBefore] = [gets, puts]
      const value = await work()
      return { value, gets: gets - getsBefore, puts: puts - putsBefore }
    },
    /** The UnixFS data of a block. */
    unixfs: (cid: CID): UnixFS => UnixFS.unmarshal(decode(blocks.get(cid.toString())!).Data!),
    blocks,
  }
}
