/** B-1: gets and sets beside lru-cache. */
import { startChild } from './child.ts'
import { median, round3, type Measured, type Row, type Spec } from './row.ts'

const bars: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  arc: { get10k: '>= 1.1', set10k: '>= 1.25', get1m: '>= 1.05', set1m: '>= 1.25' },
  default: { get10k: '>= 0.9', set10k: '>= 1', get1m: '>= 0.9', set1m: '>= 1' },
}
const sizes = { '10k': 10_000, '1m': 1_000_000 }
const peer = 'lru-cache'

const specs: Spec[] = Object.entries(bars).flatMap(([flavour, results]) =>
  Object.entries(results).map(([name, bar]) => ({
    id: `B-1.${flavour}.${name}`,
    measure: `${flavour}: ${name.startsWith('get') ? 'get-hit' : 'set that evicts'} at ${name.slice(3)} entries, ratio to lru-cache`,
    unit: 'ratio',
    bar,
  })),
)

export const speed: Row = {
  specs,
  async measure({ quick, only, log }) {
    const measured: Record<string, Measured> = {}
    for (const [size, entries] of Object.entries(sizes)) {
      const wanted = Object.keys(bars).filter((one) =>
        ['get', 'set'].some((question) => only.has(`B-1.${one}.${question}${size}`)),
      )
      if (wanted.length === 0) continue
      await using stack = new AsyncDisposableStack()
      const names = [peer, ...wanted]
      const children = new Map<string, Awaited<ReturnType<typeof startChild>>>()
      for (const name of names) {
        const child = await startChild(new URL('speed-worker.ts', import.meta.url), [name, `${entries}`])
        children.set(name, stack.use(child))
      }
      const rounds = quick ? 3 : 9
      const times: Record<string, number[]> = {}
      for (let round = -1; round < rounds; round += 1) {
        for (const question of ['get', 'set']) {
          const count = (quick ? 2e5 : 1e6) * (question === 'get' ? 2 : 1)
          const by = (round + 1) % names.length
          for (const name of [...names.slice(by), ...names.slice(0, by)]) {
            const took = await children.get(name)!.ask<number>({ question, count })
            if (round >= 0) (times[`${name}.${question}`] ??= []).push(took)
          }
          if (round < 0) continue
          const line = names.map((name) => `${name} ${times[`${name}.${question}`]![round]!.toFixed(1)} ns`)
          log(`B-1 ${question}${size}, round ${round + 1}: ${line.join(', ')}`)
        }
      }
      for (const name of wanted) {
        for (const question of ['get', 'set']) {
          const mine = times[`${name}.${question}`]!
          const theirs = times[`${peer}.${question}`]!
          const samples = mine.map((took, round) => theirs[round]! / took)
          measured[`B-1.${name}.${question}${size}`] = {
            value: round3(median(samples)),
            samples: samples.map(round3),
            detail: { nanoseconds: { [name]: round3(median(mine)), [peer]: round3(median(theirs)) } },
          }
        }
      }
    }
    return measured
  },
}
