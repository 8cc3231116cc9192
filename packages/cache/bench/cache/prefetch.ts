/** B-6: what prefetching does for readers of a UnixFS file over a tier with 20 ms for each block. */
import { createPrefetcher, type Prefetcher } from '@ipfs-kit/cache/predictive'
import { numbers } from './keys.ts'
import { median, round3, type Measured, type Row } from './row.ts'
import { linksOf, makeFile, orderOf, readThrough, SlowTier, tierMs, type UnixfsFile } from './unixfs-file.ts'

export const prefetch: Row = {
  specs: [
    {
      id: 'B-6.stall',
      measure: 'time that a sequential reader waits, as a share of what it waits without prefetching',
      unit: 'ratio',
      bar: '<= 0.15',
    },
    {
      id: 'B-6.precision',
      measure: 'part of the prefetches of a sequential reader that it used',
      unit: 'ratio',
      bar: '>= 0.99',
    },
    {
      id: 'B-6.random',
      measure: 'bytes whose fetch was begun and that no random read asked for, as a share of those asked for',
      unit: 'ratio',
      bar: '<= 0.01',
    },
    {
      id: 'B-6.seek',
      measure: 'blocks that arrive after their reader has left or gone elsewhere, and that it never asks for',
      unit: 'blocks',
      bar: '<= 8',
    },
  ],
  async measure({ quick, only, log }) {
    const mebibytes = quick ? 16 : 256
    const file = await makeFile(mebibytes * 1024 * 1024)
    const about = { file: `${mebibytes} MiB`, blocks: file.blocks.size, tierMs, tierBlocksAtOnce: 16 }
    const results: Record<string, Measured> = {}
    if (only.has('B-6.stall') || only.has('B-6.precision')) {
      const { stall, precision, detail } = await sequential(file, quick ? 3 : 7, log)
      const more = { ...about, ...detail }
      results['B-6.stall'] = { value: round3(median(stall)), samples: stall.map(round3), detail: more }
      results['B-6.precision'] = {
        value: round3(Math.min(...precision)),
        samples: precision.map(round3),
        detail: more,
      }
    }
    if (only.has('B-6.random')) {
      const reads = quick ? 100 : 1000
      const one = await randomReads(file, reads, 'one reader')
      const many = await randomReads(file, reads, 'a reader for each read')
      log(`B-6.random: ${round3(one)} with one reader, ${round3(many)} with a reader for each read`)
      const detail = { ...about, reads, oneReader: round3(one), aReaderForEachRead: round3(many) }
      results['B-6.random'] = { value: detail.oneReader, samples: [detail.oneReader], detail }
      if (many > one) results['B-6.random'] = { value: detail.aReaderForEachRead, samples: [], detail }
    }
    if (only.has('B-6.seek')) {
      const samples: number[] = []
      const deaf: number[] = []
      for (let round = 0; round < (quick ? 3 : 7); round += 1) {
        samples.push(
          await afterwards(file, round, 'leaves', true),
          await afterwards(file, round, 'seeks', true),
        )
        deaf.push(await afterwards(file, round, 'leaves', false))
      }
      log(`B-6.seek: ${Math.max(...samples)} blocks; ${Math.max(...deaf)} from a tier that heeds no signal`)
      const detail = { ...about, fromATierThatHeedsNoSignal: Math.max(...deaf) }
      results['B-6.seek'] = { value: Math.max(...samples), samples, detail }
    }
    return results
  },
}

function over(tier: SlowTier): Prefetcher<Uint8Array> {
  return createPrefetcher<Uint8Array>({ fetch: tier.fetch, linksOf })
}

/** Reads the file with and without, one after the other. */
async function sequential(file: UnixfsFile, rounds: number, log: (line: string) => void) {
  const stall: number[] = []
  const precision: number[] = []
  const stallMs: number[] = []
  const bareMs: number[] = []
  const savedMs: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const tier = new SlowTier(file)
    const { signal } = new AbortController()
    const bare = await readThrough(file.root, (key) => tier.fetch(key, { signal }))
    await using prefetcher = over(new SlowTier(file))
    const reader = prefetcher.reader()
    const ahead = await readThrough(file.root, (key) => reader.read(key))
    await reader.close()
    if (bare.sha256 !== file.sha256 || ahead.sha256 !== file.sha256)
      throw new Error('what was read is not the file')
    const stats = prefetcher.stats()
    stall.push(ahead.stallMs / bare.stallMs)
    precision.push(stats.precision ?? 0)
    stallMs.push(ahead.stallMs)
    bareMs.push(bare.stallMs)
    savedMs.push(stats.savedMs)
    log(`B-6, round ${round + 1}: stall ${round3(stall.at(-1)!)}, precision ${round3(precision.at(-1)!)}`)
  }
  const detail = {
    stallMs: Math.round(median(stallMs)),
    withoutMs: Math.round(median(bareMs)),
    savedMsEstimated: Math.round(median(savedMs)),
  }
  return { stall, precision, detail }
}

/** Reads leaves at random places, from the root down. */
async function randomReads(
  file: UnixfsFile,
  reads: number,
  how: 'one reader' | 'a reader for each read',
): Promise<number> {
  const tier = new SlowTier(file)
  await using prefetcher = over(tier)
  const next = numbers(how === 'one reader' ? 11 : 13)
  const asked: string[] = []
  let reader = prefetcher.reader()
  const read = async (key: string): Promise<string[]> => {
    asked.push(key)
    return linksOf(key, await reader.read(key))
  }
  // An open file holds its root; nodes below it are read each time.
  let top = how === 'one reader' ? await read(file.root) : []
  for (let at = 0; at < reads; at += 1) {
    if (how !== 'one reader') top = await read(file.root)
    for (let links = top; links.length > 0;) links = await read(links[next() % links.length]!)
    if (how === 'one reader') continue
    await reader.close()
    reader = prefetcher.reader()
  }
  await reader.close()
  const wanted = tier.bytesOf(asked)
  return (tier.bytesOf(tier.begun) - wanted) / wanted
}

/** Reads in order for a while, then leaves, or goes to another place and reads on there. */
async function afterwards(
  file: UnixfsFile,
  round: number,
  what: 'leaves' | 'seeks',
  heeds: boolean,
): Promise<number> {
  const order = orderOf(file)
  const tier = new SlowTier(file, heeds)
  await using prefetcher = over(tier)
  const reader = prefetcher.reader()
  const upTo = Math.floor(order.length / 3) + round
  for (const key of order.slice(0, upTo)) await reader.read(key)
  const before = tier.delivered.length
  const asked = new Set<string>()
  if (what === 'seeks') {
    const place =
      linksOf(file.root, file.blocks.get(file.root)!).length === 0 ? upTo : order.length - 20 - round
    for (const key of order.slice(place, place + 10)) {
      asked.add(key)
      await reader.read(key)
    }
    // On to the end of the file: what is ahead of the reader there is not what it left.
    for (const key of order.slice(place + 10)) {
      asked.add(key)
      await reader.read(key)
    }
  }
  await reader.close()
  await new Promise((resolve) => setTimeout(resolve, 4 * tierMs))
  return tier.delivered.slice(before).filter((key) => !asked.has(key)).length
}
