/** E-6: puts, gets, opening and memory with very many small blocks. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { median, medianOf, round3 } from './rounds.ts'
import type { Row, Task } from './row.ts'
import { startWorker, type Worker } from './worker.ts'

const what = 'at 10^7 entries of 64 bytes'
const small = 100_000

export const scale: Row = {
  specs: [
    {
      id: 'E-6.scale.put',
      measure: `${what}: puts as a share of the rate at 10^5`,
      unit: 'ratio',
      bar: '>= 0.5',
    },
    {
      id: 'E-6.scale.get',
      measure: `${what}: gets as a share of the rate at 10^5`,
      unit: 'ratio',
      bar: '>= 0.5',
    },
    { id: 'E-6.scale.open', measure: `${what}: reopen`, unit: 's', bar: '<= 2' },
    { id: 'E-6.scale.rss', measure: `${what}: MiB of RSS`, unit: 'MiB', bar: '<= 500' },
  ],

  async measure({ quick, folder, log }) {
    const large = quick ? 1_000_000 : 10_000_000
    const rounds = 3
    const path = join(folder, 'large')
    const rates = {
      putSmall: [] as number[],
      putLarge: [] as number[],
      getSmall: [] as number[],
      getLarge: [] as number[],
    }
    let closeSeconds: number
    let filledMiB: number
    {
      await using worker = start(log)
      await worker.ask('open', { path })
      const { seconds } = await worker.ask('fill', { from: 0, to: large - rounds * small })
      log(`E-6.scale: filled in ${seconds.toFixed(0)} s`)
      for (let round = 0; round < rounds; round += 1) {
        const of = round % 2 === 0 ? ['small', 'large'] : ['large', 'small']
        for (const which of of) {
          if (which === 'small') {
            const { put, get } = await measureSmall(join(folder, 'small'), round, log)
            rates.putSmall.push(put)
            rates.getSmall.push(get)
          } else {
            const to = large - (rounds - 1 - round) * small
            rates.putLarge.push(await putRate(worker, to))
            rates.getLarge.push(await getRate(worker, to, round))
          }
        }
        log(
          `E-6.scale, round ${round + 1}: puts ${rates.putLarge[round]!.toFixed(0)}/s of ${rates.putSmall[round]!.toFixed(0)}/s, gets ${rates.getLarge[round]!.toFixed(0)}/s of ${rates.getSmall[round]!.toFixed(0)}/s`,
        )
      }
      filledMiB = (await worker.ask('memory', {})).MiB
      closeSeconds = (await worker.ask('close', {})).seconds
    }
    const reopened = await measureReopening(path, large, rounds, log)
    const afterKill = await measureKilled(path, large, log)

    const detail = {
      entries: large,
      of: small,
      how: 'verified puts and gets, 256 in flight; the small store in a process of its own each round, warmed up; at the large one the last 3 times 10^5 puts, and gets of random entries; page cache hot',
    }
    return {
      'E-6.scale.put': {
        ...medianOf(rates.putLarge.map((rate, round) => rate / rates.putSmall[round]!)),
        detail: {
          ...detail,
          putsPerSecond: round3(median(rates.putLarge)),
          putsPerSecondSmall: round3(median(rates.putSmall)),
        },
      },
      'E-6.scale.get': {
        ...medianOf(rates.getLarge.map((rate, round) => rate / rates.getSmall[round]!)),
        detail: {
          ...detail,
          getsPerSecond: round3(median(rates.getLarge)),
          getsPerSecondSmall: round3(median(rates.getSmall)),
        },
      },
      'E-6.scale.open': {
        ...medianOf(reopened.map(({ seconds }) => seconds)),
        detail: {
          ...detail,
          closeSeconds: round3(closeSeconds),
          afterKillSeconds: round3(afterKill),
          of: 'opening in a fresh process after a clean close; after kill -9: with 10^5 puts since the last one',
        },
      },
      'E-6.scale.rss': {
        ...medianOf(reopened.map(({ MiB }) => MiB)),
        detail: {
          ...detail,
          filledMiB: round3(filledMiB),
          emptyMiB: round3(median(reopened.map(({ emptyMiB }) => emptyMiB))),
          of: 'the process that opened it, after 10^5 gets; filledMiB: the one that filled it; emptyMiB: before opening',
        },
      },
    }
  },
}

/** Opens the store in fresh processes, one after the other. */
async function measureReopening(path: string, entries: number, rounds: number, log: Task['log']) {
  const reports: { readonly seconds: number; readonly MiB: number; readonly emptyMiB: number }[] = []
  for (let round = 0; round < rounds; round += 1) {
    await using worker = start(log)
    const { MiB: emptyMiB } = await worker.ask('memory', {})
    const { seconds } = await worker.ask('open', { path })
    await worker.ask('get', { entries, count: small, seed: 100 + round })
    const { MiB } = await worker.ask('memory', {})
    await worker.ask('close', {})
    reports.push({ seconds, MiB, emptyMiB })
    log(`E-6.scale, reopened: ${seconds.toFixed(2)} s, ${MiB.toFixed(0)} MiB`)
  }
  return reports
}

/** Seconds of opening after kill -9. */
async function measureKilled(path: string, entries: number, log: Task['log']): Promise<number> {
  {
    await using worker = start(log)
    await worker.ask('open', { path })
    await worker.ask('fill', { from: entries, to: entries + small })
    await worker.kill()
  }
  await using worker = start(log)
  const { seconds } = await worker.ask('open', { path })
  await worker.ask('get', { entries: entries + small, count: small, seed: 200 })
  log(`E-6.scale, opened after kill -9: ${seconds.toFixed(2)} s`)
  return seconds
}

/** Rates with 10^5 entries. */
async function measureSmall(path: string, round: number, log: Task['log']) {
  await using worker = start(log)
  const measure = async () => {
    await worker.ask('open', { path })
    const put = await putRate(worker, small)
    const get = await getRate(worker, small, round)
    await worker.ask('close', {})
    await rm(path, { recursive: true })
    return { put, get }
  }
  await measure()
  return await measure()
}

/** Puts a second while the entries grow by 10^5 up to a number. */
async function putRate(worker: Worker, to: number): Promise<number> {
  return small / (await worker.ask('put', { from: to - small, to })).seconds
}

/** Gets a second of random entries; a first pass of others is not measured. */
async function getRate(worker: Worker, entries: number, seed: number): Promise<number> {
  await worker.ask('get', { entries, count: small, seed: 1000 + seed })
  return small / (await worker.ask('get', { entries, count: small, seed })).seconds
}

function start(log: Task['log']): Worker {
  return startWorker(new URL('scale-worker.ts', import.meta.url), log)
}
