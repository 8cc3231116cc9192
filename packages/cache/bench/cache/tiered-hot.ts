/** B-7.hot: a hit in the memory of a tiered store, and a look at its first byte, beside the bare memory cache. */
import { startChild } from './child.ts'
import { median, round3, type Row } from './row.ts'

const id = 'B-7.hot'
const peer = 'bare'
const own = 'tiered'

export const tieredHot: Row = {
  specs: [
    {
      id,
      measure: 'tiered hit in memory at 10,000 blocks of 256 bytes, ratio to the bare memory cache',
      unit: 'ratio',
      bar: '>= 0.5',
    },
  ],
  async measure({ quick, log }) {
    await using stack = new AsyncDisposableStack()
    const children = new Map<string, Awaited<ReturnType<typeof startChild>>>()
    for (const name of [peer, own]) {
      const child = await startChild(new URL('tiered-hot-worker.ts', import.meta.url), [name])
      children.set(name, stack.use(child))
    }
    const rounds = quick ? 3 : 11
    const times: Record<string, number[]> = { [peer]: [], [own]: [] }
    for (let round = -1; round < rounds; round += 1) {
      for (const name of round % 2 === 0 ? [peer, own] : [own, peer]) {
        const took = await children.get(name)!.ask<number>({ count: quick ? 4e5 : 2e6 })
        if (round >= 0) times[name]!.push(took)
      }
      if (round < 0) continue
      const line = [peer, own].map((name) => `${name} ${times[name]![round]!.toFixed(1)} ns`)
      log(`${id}, round ${round + 1}: ${line.join(', ')}`)
    }
    const samples = times[own]!.map((took, round) => times[peer]![round]! / took)
    const nanoseconds = { [own]: round3(median(times[own]!)), [peer]: round3(median(times[peer]!)) }
    return { [id]: { value: round3(median(samples)), samples: samples.map(round3), detail: { nanoseconds } } }
  },
}
