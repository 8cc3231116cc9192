/**
 * The main job: a file of 1 GiB and a tree of 10,000 files of 4 KiB go into a fresh server by its HTTP door, come back,
 * and are compared by SHA-256. The peer is Helia's importer straight onto Helia's file blockstore, in a process of its
 * own, from the same files, round by round in turn.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeFile, makeTree, type Sample } from './main-job/content.ts'
import { addByImporter } from './main-job/peer.ts'
import { addFile, addTree } from './main-job/server-add.ts'
import { startServer } from './main-job/server-process.ts'

const MiB = 1024 * 1024

/** What the runner of the benches calls. */
export default {
  area: 'main-job',
  ids: ['M-1.file', 'M-1.tree', 'M-2.rss', 'M-3.ready', 'M-3.idle'],
  run,
}

interface Options {
  readonly quick: boolean
  readonly only?: ReadonlySet<string>
  readonly log: (line: string) => void
}

async function run({ quick, only, log }: Options) {
  const wanted = (id: string): boolean => only === undefined || only.has(id)
  const rounds = quick ? 3 : 7
  const folder = await mkdtemp(join(tmpdir(), 'main-job-'))
  try {
    const results = []
    if (wanted('M-3.ready') || wanted('M-3.idle')) {
      const starts = await measureStarts(rounds, log)
      if (wanted('M-3.ready')) results.push(starts.ready)
      if (wanted('M-3.idle')) results.push(starts.idle)
    }
    if (wanted('M-1.file') || wanted('M-2.rss')) {
      const file = await makeFile(join(folder, 'file.bin'), (quick ? 128 : 1024) * MiB)
      if (wanted('M-1.file')) results.push(await compare('M-1.file', '>= 0.8', file, folder, rounds, log))
      if (wanted('M-2.rss')) results.push(await measureGrowth(file, quick ? 1 : 3, log))
      await rm(file.path)
    }
    if (wanted('M-1.tree')) {
      const tree = await makeTree(join(folder, 'tree'), { files: quick ? 1000 : 10_000, bytes: 4096 })
      results.push(await compare('M-1.tree', '>= 0.7', tree, folder, rounds, log))
    }
    return results
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Adds the same content by both ways in turn, who begins alternating; the value is the median of the ratios of rates. */
async function compare(
  id: string,
  bar: string,
  content: Sample,
  folder: string,
  rounds: number,
  log: Options['log'],
) {
  const ours: number[] = []
  const peer: number[] = []
  const reads: number[] = []
  const byServer = async (): Promise<void> => {
    await using server = await startServer()
    const added = await (content.kind === 'file' ? addFile(server, content) : addTree(server, content))
    ours.push(content.bytes / MiB / added.seconds)
    reads.push(content.bytes / MiB / added.readSeconds)
  }
  const byPeer = async (): Promise<void> => {
    const { seconds } = await addByImporter(content.path, join(folder, 'peer'))
    peer.push(content.bytes / MiB / seconds)
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const add of round % 2 === 0 ? [byServer, byPeer] : [byPeer, byServer]) await add()
    log(
      `${id} round ${round + 1}: server ${ours[round]?.toFixed(0)} MiB/s, importer ${peer[round]?.toFixed(0)} MiB/s`,
    )
  }
  const ratios = ours.map((rate, round) => rate / (peer[round] ?? Number.NaN))
  return {
    id,
    measure: `adding ${content.files} file(s), ${content.bytes / MiB} MiB through the server, rate against the importer`,
    value: round3(median(ratios)),
    unit: 'ratio',
    bar,
    samples: ratios.map(round3),
    detail: {
      serverMiBPerSecond: round3(median(ours)),
      importerMiBPerSecond: round3(median(peer)),
      readBackMiBPerSecond: round3(median(reads)),
      verified: 'SHA-256 of everything read back, in every round',
    },
  }
}

/** Peak memory while the file goes in, over the memory before. */
async function measureGrowth(file: Sample, rounds: number, log: Options['log']) {
  const samples: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    await using server = await startServer()
    const before = await server.memoryMiB()
    await server.resetPeak()
    await addFile(server, file)
    samples.push((await server.peakMemoryMiB()) - before)
    log(`M-2.rss round ${round + 1}: ${samples[round]?.toFixed(0)} MiB over ${before.toFixed(0)} MiB`)
  }
  return {
    id: 'M-2.rss',
    measure: `memory that the server grows by at its peak while it takes ${file.bytes / MiB} MiB over HTTP and gives them back`,
    value: round3(median(samples)),
    unit: 'MiB',
    bar: '<= 300',
    samples: samples.map(round3),
  }
}

/** Time to the ready line on a fresh home, and memory two seconds later. */
async function measureStarts(rounds: number, log: Options['log']) {
  const ready: number[] = []
  const idle: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    await using server = await startServer()
    ready.push(server.readySeconds)
    await server.idle(2000)
    idle.push(await server.memoryMiB())
    log(`M-3 round ${round + 1}: ready after ${ready[round]?.toFixed(2)} s, ${idle[round]?.toFixed(0)} MiB`)
  }
  return {
    ready: {
      id: 'M-3.ready',
      measure: 'time from the start of the process to its ready line, on a fresh home',
      value: round3(median(ready)),
      unit: 's',
      bar: '<= 2',
      samples: ready.map(round3),
    },
    idle: {
      id: 'M-3.idle',
      measure: 'resident memory two seconds after the ready line',
      value: round3(median(idle)),
      unit: 'MiB',
      bar: '<= 180',
      samples: idle.map(round3),
    },
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000
}
