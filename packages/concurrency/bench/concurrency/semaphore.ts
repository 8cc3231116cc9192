/** a semaphore against async-sema. */
import { createSemaphore, taskGroup } from '@ipfs-kit/concurrency'
import { Sema } from 'async-sema'
import { interleave, medians, ratioResult, ratios, timed, type Contender, type Options } from './rounds.ts'

export const semaphoreIds = ['A-4.free', 'A-4.contended']

export async function measureSemaphore({ quick, only, log }: Options) {
  const wanted = (id: string) => only === undefined || only.has(id)
  const results = []
  if (wanted('A-4.free')) {
    const turns = quick ? 10_000 : 100_000
    const times = await interleave(free(turns), {
      rounds: quick ? 3 : 15,
      warmup: quick ? 1 : 5,
      what: 'A-4.free',
      log,
    })
    results.push(
      ratioResult(
        'A-4.free',
        `taking a free permit and giving it back ${turns} times, rate against async-sema`,
        '>= 1.5',
        ratios(times, 'async-sema'),
        {
          turns,
          ms: medians(times),
          awaited: ratios(times, 'async-sema, awaited', 'ours, awaited').toSorted((a, b) => a - b),
        },
      ),
    )
  }
  if (wanted('A-4.contended')) {
    const size = { permits: 4, workers: 100, turns: quick ? 100 : 1000 }
    const times = await interleave(contended(size), {
      rounds: quick ? 3 : 15,
      warmup: quick ? 1 : 5,
      what: 'A-4.contended',
      log,
    })
    results.push(
      ratioResult(
        'A-4.contended',
        `${size.workers} workers take turns at ${size.permits} permits, rate against async-sema`,
        '>= 1.2',
        ratios(times, 'async-sema'),
        { ...size, ms: medians(times) },
      ),
    )
  }
  return results
}

function free(turns: number): Contender[] {
  return [
    {
      name: 'ours',
      run: () =>
        timed(async () => {
          const semaphore = createSemaphore(4)
          for (let turn = 0; turn < turns; turn++) {
            const permit = semaphore.tryAcquire() ?? (await semaphore.acquire())
            permit.release()
          }
        }),
    },
    {
      name: 'async-sema',
      run: () =>
        timed(async () => {
          const semaphore = new Sema(4)
          for (let turn = 0; turn < turns; turn++) {
            const token: unknown = semaphore.tryAcquire() ?? (await semaphore.acquire())
            semaphore.release(token)
          }
        }),
    },
    {
      name: 'ours, awaited',
      run: () =>
        timed(async () => {
          const semaphore = createSemaphore(4)
          for (let turn = 0; turn < turns; turn++) {
            const permit = await semaphore.acquire()
            permit.release()
          }
        }),
    },
    {
      name: 'async-sema, awaited',
      run: () =>
        timed(async () => {
          const semaphore = new Sema(4)
          for (let turn = 0; turn < turns; turn++) {
            await semaphore.acquire()
            semaphore.release()
          }
        }),
    },
  ]
}

function contended({ permits, workers, turns }: { permits: number; workers: number; turns: number }) {
  return [
    {
      name: 'ours',
      run: () =>
        timed(() => {
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
        }),
    },
    {
      name: 'async-sema',
      run: () =>
        timed(() => {
          const semaphore = new Sema(permits)
          const work = async () => {
            for (let turn = 0; turn < turns; turn++) {
              await semaphore.acquire()
              semaphore.release()
            }
          }
          return Promise.all(Array.from({ length: workers }, work))
        }),
    },
  ]
}
