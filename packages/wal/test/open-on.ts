/** Opens logs on simulated disks, with small segments and ids that are the same in each run. */
import type { Disk } from '@ipfs-kit/disk'
import type { Batch, Log } from '@ipfs-kit/wal'
import { type LogOptions, openWith } from '../src/log/open-log.ts'

/** The folder of the log. */
export const folder = '/log'

let ids = 1n

export function openOn(disk: Disk, options: Partial<LogOptions> = {}): Promise<Log> {
  return openWith({ path: folder, disk, segmentBytes: 4096, ...options }, () => {
    ids += 1n
    // In no order, as those that come by chance.
    return BigInt.asUintN(63, ids * 0x5eed_5eed_5eed_5eedn)
  })
}

/** What is in a log, by LSN. */
export async function contentOf(log: Log, from?: number): Promise<Map<number, string>> {
  const batches: Batch[] = []
  for await (const batch of log.read(from === undefined ? {} : { from })) batches.push(batch)
  return recordsOf(batches)
}

/** The records of batches, by LSN. */
export function recordsOf(batches: readonly Batch[]): Map<number, string> {
  const found = new Map<number, string>()
  for (const { firstLsn, payloads } of batches) {
    payloads.forEach((payload, at) => found.set(firstLsn + at, Buffer.from(payload).toString()))
  }
  return found
}

/** Names of the segments of a folder, in order. */
export async function segmentsOf(disk: Disk): Promise<string[]> {
  const entries = await disk.list(folder)
  return entries
    .map(({ name }) => name)
    .filter((name) => name.endsWith('.wal'))
    .sort()
}

/** All bytes of a file of the log. */
export async function bytesOf(disk: Disk, name: string): Promise<Buffer> {
  const file = await disk.open(`${folder}/${name}`, 'read')
  const bytes = Buffer.alloc(await file.size())
  await file.read(bytes, 0)
  await file.close()
  return bytes
}

/** Writes into a file of the log. */
export async function change(disk: Disk, name: string, at: number, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(`${folder}/${name}`, 'write')
  await file.write([bytes], at)
  await file.close()
}

/** Cuts a file of the log. */
export async function cut(disk: Disk, name: string, size: number): Promise<void> {
  const file = await disk.open(`${folder}/${name}`, 'write')
  await file.truncate(size)
  await file.close()
}

export function texts(count: number, from = 1): Buffer[] {
  return Array.from({ length: count }, (_, at) => Buffer.from(`record ${from + at}`))
}

/** Runs at once, and gives what came of each. */
export async function outcomes(promises: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(promises)
  return settled.map((one) =>
    one.status === 'fulfilled' ? 'done' : ((one.reason as { code?: string }).code ?? String(one.reason)),
  )
}
