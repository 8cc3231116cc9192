/**
 * a semaphore against async-sema.
 *
 * Free: nobody holds what is asked for. Both libraries have a call for this that does not wait, `tryAcquire`; the usual
 * code asks it first and waits only if it has to, and that is measured. Code that awaits `acquire` in any case pays for
 * the await above all: with it no semaphore can be half as fast again as async-sema, since awaiting a promise that is
 * settled takes more than two thirds of the time. The detail has these times too.
 *
 * Contended: each turn has to wait for its permit.
 */
import { createSemaphore, taskGroup } from '@ipfs-kit/concurrency'
import { Sema } from 'async-sema'
import { compare, interleave, median, medians, ratios, round3, timed, type Options } from './rounds.ts'

export const semaphoreIds = ['A-4.free', 'A-4.contended']

export async function measureSemaphore(options: Options) {
  return [...(await measureFree(options)), ...(await measureContended(options))]
}

async function measureFree(options: Options) {
  const { quick, log } = options
  const turns = quick ? 10_000 : 100_000
  const [result] = await compare(
    {
      measure: `taking a free permit and giving it back ${turns} times, rate`,
      rounds: 15,
      warmup: 5,
      detail: { turns },
      ours: () => timed(() => tryOurs(turns)),
      peers: [
        {
          id: 'A-4.free',
          name: 'async-sema',
          how: 'async-sema, both with tryAcquire() ?? (await acquire())',
          bar: '>= 1.5',
          run: () => timed(() => trySema(turns)),
        },
      ],
    },
    options,
  )
  if (result === undefined) return []
  const awaited = await interleave(
    {
      ours: () => timed(() => awaitOurs(turns)),
      'async-sema': () => timed(() => awaitSema(turns)),
      'await alone': () => timed(() => awaitNothing(turns)),
    },
    { rounds: quick ? 3 : 15, warmup: quick ? 1 : 5, what: 'A-4.free, with await acquire()', log },
  )
  const ratio = round3(median(ratios(awaited, 'async-sema')))
  return [{ ...result, detail: { ...result.detail, withAwaitAcquire: { ratio, ms: medians(awaited) } } }]
}

async function tryOurs(turns: number): Promise<void> {
  const semaphore = createSemaphore(4)
  for (let turn = 0; turn < turns; turn++) {
    const permit = semaphore.tryAcquire() ?? (await semaphore.acquire())
    permit.release()
  }
}

async function trySema(turns: number): Promise<void> {
  const semaphore = new Sema(4)
  for (let turn = 0; turn < turns; turn++) {
    const token: unknown = semaphore.tryAcquire() ?? (await semaphore.acquire())
    semaphore.release(token)
  }
}

async function awaitOurs(turns: number): Promise<void> {
  const semaphore = createSemaphore(4)
  for (let turn = 0; turn < turns; turn++) {
    const permit = await semaphore.acquire()
    permit.release()
  }
}

async function awaitSema(turns: number): Promise<void> {
  const semaphore = new Sema(4)
  for (let turn = 0; turn < turns; turn++) {
    await semaphore.acquire()
    semaphore.release()
  }
}

async function awaitNothing(turns: number): Promise<void> {
  const settled = Promise.resolve()
  for (let turn = 0; turn < turns; turn++) await settled
}

async function measureContended(options: Options) {
  const size = { permits: 4, workers: 100, turns: options.quick ? 100 : 1000 }
  return await compare(
    {
      measure: `${size.workers} workers take turns at ${size.permits} permits, rate`,
      rounds: 15,
      warmup: 5,
      detail: size,
      ours: () => timed(() => contendForOurs(size)),
      peers: [
        {
          id: 'A-4.contended',
          name: 'async-sema',
          how: 'async-sema',
          bar: '>= 1.2',
          run: () => timed(() => contendForSema(size)),
        },
      ],
    },
    options,
  )
}

interface Contention {
  readonly permits: number
  readonly workers: number
  readonly turns: number
}

function contendForOurs({ permits, workers, turns }: Contention): Promise<void> {
  const semaphore = createSemaphore(permits)
  return taskGroup((group) => {
    for (let worker = 0; worker < workers; worker++) {
      group.spawn(async () => {
        for (let turn = 0; turn < turns; turn++) {
          const permit = await semaphore.acquire()
          permit.release()
        }
      })
    }
  })
}

function contendForSema({ permits, workers, turns }: Contention): Promise<unknown> {
  const semaphore = new Sema(permits)
  const work = async () => {
    for (let turn = 0; turn < turns; turn++) {
      await semaphore.acquire()
      semaphore.release()
    }
  }
  return Promise.all(Array.from({ length: workers }, work))
}
