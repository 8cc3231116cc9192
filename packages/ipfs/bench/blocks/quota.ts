/** E-7: much more than the quota is written through it, and a part of it pinned. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GiB, MiB } from './content.ts'
import { medianOf, round3 } from './rounds.ts'
import type { Measured, Row, Task } from './row.ts'
import { startWorker, type FloodReport } from './worker.ts'

const what = '10 GiB written through a 1 GiB quota with 30 % pinned'

export const quota: Row = {
  specs: [
    {
      id: 'E-7.quota.over',
      measure: `${what}: bytes ever above it, independently counted`,
      unit: 'bytes',
      bar: '== 0',
    },
    { id: 'E-7.quota.wait', measure: `${what}: longest wait of a writer`, unit: 'ms', bar: '<= 100' },
    { id: 'E-7.quota.amplification', measure: `${what}: write amplification`, unit: 'ratio', bar: '<= 1.3' },
  ],

  async measure({ quick, folder, log }) {
    const maxBytes = quick ? 128 * MiB : GiB
    const rounds = quick ? 1 : 3
    const reports: (FloodReport & { readonly seenBytes: number })[] = []
    for (let round = 0; round < rounds; round += 1) {
      const report = await flood(
        { path: join(folder, 'blocks'), maxBytes, totalBytes: 10 * maxBytes, seed: round + 1 },
        log,
      )
      reports.push(report)
      log(
        `E-7.quota, round ${round + 1}: ${report.seconds.toFixed(1)} s, ${report.peakBytes - maxBytes} bytes above, longest put ${report.longestPutMs.toFixed(0)} ms, ${(report.diskBytes / report.putBytes).toFixed(3)} bytes written for each`,
      )
    }
    const detail = {
      maxBytes,
      claimedShare: reports.map(({ claimedShare }) => round3(claimedShare)),
      pinnedShareOfPuts: reports.map(({ puts, pinnedPuts }) => round3(pinnedPuts / puts)),
      MiBPerSecond: reports.map(({ putBytes, seconds }) => round3(putBytes / MiB / seconds)),
      how: 'blocks of 256 KiB, 8 writers, each put a cached or a leased group of 16 MiB in an order by seed; one of the older claims, by seed, is dropped when they exceed 30 % of the quota; in the end every claimed block is read',
    }
    const over = reports.map(({ peakBytes, seenBytes }) =>
      Math.max(0, peakBytes - maxBytes, seenBytes - maxBytes),
    )
    const waits = reports.map(({ longestPutMs }) => round3(longestPutMs))
    const measured: Record<string, Measured> = {
      'E-7.quota.over': {
        // One byte in one round would be too much: the largest, not the median.
        value: Math.max(...over),
        samples: over,
        detail: {
          ...detail,
          peakBytes: reports.map(({ peakBytes }) => peakBytes),
          seenFromOutsideBytes: reports.map(({ seenBytes }) => seenBytes),
          counted:
            'by a disk around the disk: sizes of all files rounded up to 4 KiB, from the call of a write on, removed files until they are closed; from outside: allocated bytes of the folder, looked at every 50 ms',
        },
      },
      'E-7.quota.wait': {
        value: Math.max(...waits),
        samples: waits,
        detail: {
          ...detail,
          longestFlushMs: reports.map(({ longestFlushMs }) => round3(longestFlushMs)),
          longestRoomWaitMs: reports.map(({ stats }) => stats['longestRoomWaitMs']),
          of: 'the longest single put of all runs, from its call to its answer; longestFlushMs: of a lease, which waits for the device',
        },
      },
      'E-7.quota.amplification': {
        ...medianOf(reports.map(({ diskBytes, putBytes }) => diskBytes / putBytes)),
        detail: {
          ...detail,
          copiedBytes: reports.map(({ stats }) => stats['copiedBytes']),
          readmittedBytes: reports.map(({ stats }) => stats['readmittedBytes']),
          evictedBytes: reports.map(({ stats }) => stats['evictedBytes']),
          of: 'bytes given to writes of the disk, by bytes of the blocks that were put',
        },
      },
    }
    return measured
  },
}

/** One run in a process of its own, watched from this one. */
async function flood(
  question: {
    readonly path: string
    readonly maxBytes: number
    readonly totalBytes: number
    readonly seed: number
  },
  log: Task['log'],
): Promise<FloodReport & { readonly seenBytes: number }> {
  await using worker = startWorker(new URL('quota-worker.ts', import.meta.url), log)
  const over = new AbortController()
  const watching = watch(question.path, over.signal)
  try {
    const report = await worker.ask('flood', question)
    over.abort()
    return { ...report, seenBytes: await watching }
  } finally {
    over.abort()
    await watching
    await rm(question.path, { recursive: true, force: true })
  }
}

/** Most allocated bytes of the files of a folder that were seen. Files that come and go between two looks may be missed. */
async function watch(path: string, over: AbortSignal): Promise<number> {
  let most = 0
  while (!over.aborted) {
    const names = await readdir(path).catch(() => [])
    const sizes = await Promise.all(
      names.map((name) =>
        stat(join(path, name)).then(
          ({ blocks }) => blocks * 512,
          () => 0,
        ),
      ),
    )
    most = Math.max(
      most,
      sizes.reduce((sum, size) => sum + size, 0),
    )
    await sleep(50)
  }
  return most
}
