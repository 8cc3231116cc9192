/** Opens logs of operations on simulated disks, with a clock of the wall that goes with the time of the backend. */
import { now, random, sleep } from '@ipfs-kit/concurrency'
import { simDisk, type Disk } from '@ipfs-kit/disk'
import {
  openWal,
  type LoggedOperation,
  type OperationHandler,
  type Wal,
  type WalOptions,
} from '@ipfs-kit/wal'
import { z } from 'zod'

/** The clock of the wall when the time of the backend is 0. */
export const epochMs = 1_700_000_000_000

/** The clock of the wall, which goes with the time of the backend. */
export function wallClock(): number {
  return epochMs + Math.floor(now())
}

/** A disk by the seed of the run. */
export function someDisk(): ReturnType<typeof simDisk> {
  return simDisk({ seed: Math.floor(random() * 2 ** 31) })
}

/** A handler that takes any parameters. */
export function handler(
  run: OperationHandler['run'],
  options: Partial<OperationHandler> = {},
): OperationHandler {
  return { params: z.looseObject({}), run, ...options }
}

export async function openOps(
  options: Partial<WalOptions> & Pick<WalOptions, 'types'>,
  disk: Disk = someDisk(),
): Promise<Wal> {
  return await openWal({
    path: '/log',
    disk,
    segmentBytes: 262_144,
    clock: wallClock,
    ...options,
  })
}

/** Waits until an operation is in a state, in which it then has to stay. */
export async function until(wal: Wal, id: number, state: string): Promise<LoggedOperation> {
  for (;;) {
    const operation = await wal.get(id)
    if (operation?.state === state) return operation
    await sleep(1)
  }
}

/** The error that something ends with. */
export async function errorOf(promise: Promise<unknown>): Promise<{ code?: string; message: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('It did not fail')
}
