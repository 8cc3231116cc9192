/** The process of E-7: writers flood a store through its quota. */
import { openBlocks, type Blocks, type Claim } from '@ipfs-kit/blocks'
import { nodeDisk } from '@ipfs-kit/disk'
import * as dagPb from '@ipld/dag-pb'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { answer } from './answer.ts'
import { cidOf, KiB, Pool, randomBelow } from './content.ts'
import { countingDisk } from './counting-disk.ts'
import { inFlight } from './rounds.ts'

const blockBytes = 256 * KiB
const writers = 8
const pinnedPercent = 30

/** Content that is claimed. */
interface Pinned {
  readonly claim: Claim
  readonly cids: readonly CID[]
  readonly bytes: number
}

answer({
  async flood({ path, maxBytes, totalBytes, seed }) {
    const counting = countingDisk(nodeDisk())
    const pinned: Pinned[] = []
    await using blocks = await openBlocks({
      path,
      disk: counting.disk,
      maxBytes,
      claims: () => pinned.map(({ claim }) => claim),
      links: (cid, bytes) =>
        cid.code === dagPb.code ? dagPb.decode(bytes).Links.map(({ Hash }) => Hash) : [],
    })
    const groupBlocks = Math.max(4, Math.round(maxBytes / 64 / blockBytes))
    const groups = Math.round(totalBytes / (groupBlocks * blockBytes))
    const pool = new Pool()
    const random = randomBelow(seed)
    const shares: number[] = []
    let putBytes = 0
    let puts = 0
    let pinnedPuts = 0
    let longestPutMs = 0
    let longestFlushMs = 0

    const putTimed = async (put: () => Promise<unknown>, bytes: number): Promise<void> => {
      const began = performance.now()
      await put()
      longestPutMs = Math.max(longestPutMs, performance.now() - began)
      putBytes += bytes
      puts += 1
    }
    const putCached = async (): Promise<void> => {
      for (let at = 0; at < groupBlocks; at += 1) {
        const bytes = pool.take(blockBytes)
        const cid = cidOf(bytes)
        await putTimed(() => blocks.put(cid, bytes), bytes.length)
      }
    }
    const putPinned = async (): Promise<void> => {
      using lease = blocks.lease({ name: 'group' })
      const cids: CID[] = []
      for (let at = 0; at < groupBlocks; at += 1) {
        const bytes = pool.take(blockBytes)
        const cid = cidOf(bytes)
        await putTimed(() => lease.put(cid, bytes), bytes.length)
        cids.push(cid)
      }
      const node = dagPb.encode(dagPb.prepare({ Links: cids.map((Hash) => ({ Hash, Tsize: blockBytes })) }))
      const root = CID.createV1(dagPb.code, await sha256.digest(node))
      await putTimed(() => lease.put(root, node), node.length)
      pinnedPuts += groupBlocks + 1
      const began = performance.now()
      await lease.flush()
      longestFlushMs = Math.max(longestFlushMs, performance.now() - began)
      pinned.push({
        claim: { cid: root },
        cids: [root, ...cids],
        bytes: groupBlocks * blockBytes + node.length,
      })
      while (claimedBytes() > (maxBytes * pinnedPercent) / 100) {
        pinned.splice(random(Math.ceil(pinned.length / 2)), 1)
      }
      shares.push(claimedBytes() / maxBytes)
    }
    const claimedBytes = (): number => pinned.reduce((sum, { bytes }) => sum + bytes, 0)

    const began = performance.now()
    await inFlight(groups, writers, () => (random(100) < pinnedPercent ? putPinned() : putCached()))
    const seconds = (performance.now() - began) / 1000
    await checkPinned(blocks, pinned)
    const { writtenBytes, peakBytes } = counting.counts()
    const late = shares.slice(Math.floor(shares.length / 2))
    return {
      seconds,
      putBytes,
      diskBytes: writtenBytes,
      peakBytes,
      longestPutMs,
      longestFlushMs,
      puts,
      pinnedPuts,
      claimedShare: late.reduce((sum, share) => sum + share, 0) / late.length,
      stats: { ...blocks.stats() },
    }
  },
})

/** Room that was made by losing what is claimed would be no room. */
async function checkPinned(blocks: Blocks, pinned: readonly Pinned[]): Promise<void> {
  for (const { cids } of pinned) {
    for (const cid of cids) {
      if ((await blocks.get(cid)) === undefined) throw new Error(`${cid} is claimed and gone`)
    }
  }
}
