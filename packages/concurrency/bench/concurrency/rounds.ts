/** Measures contenders side by side: round by round, each in turn, whoever begins rotating. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What the command line asked for. */
export interface Options {
  readonly quick: boolean
  readonly only?: ReadonlySet<string>
  readonly log: (line: string) => void
}

/** One of those who are measured. `run` does the whole job once and gives the milliseconds it took. */
export interface Contender {
  readonly name: string
  run(): Promise<number>
}

/** The milliseconds of each contender, round by round. */
export type Times = Readonly<Record<string, readonly number[]>>

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void

/** Runs every contender `warmup` times unmeasured, then in `rounds` rounds. */
export async function interleave(
  contenders: readonly Contender[],
  { rounds, warmup, what, log }: { rounds: number; warmup: number; what: string; log: Options['log'] },
): Promise<Times> {
  const times: Record<string, number[]> = {}
  for (const { name } of contenders) times[name] = []
  for (let round = -warmup; round < rounds; round += 1) {
    const first = Math.max(0, round) % contenders.length
    for (const one of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      // What the one before has thrown away is not paid for by this one.
      collect({ type: 'minor' })
      const took = await one.run()
      if (round >= 0) times[one.name]!.push(took)
    }
    if (round >= 0) log(`${what}, round ${round + 1}: ${describe(contenders, times, round)}`)
  }
  return times
}

function describe(contenders: readonly Contender[], times: Times, round: number): string {
  return contenders.map(({ name }) => `${name} ${times[name]![round]!.toFixed(2)} ms`).join(', ')
}

/** How many times faster than `peer` ours was, in each round. */
export function ratios(times: Times, peer: string, ours = 'ours'): number[] {
  return times[ours]!.map((took, round) => times[peer]![round]! / took)
}

/** The times that a job takes: `fn` begins, and gives when it has ended. */
export async function timed(fn: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await fn()
  return performance.now() - began
}

/** A result whose value is the median of ratios. */
export function ratioResult(
  id: string,
  measure: string,
  bar: string,
  samples: readonly number[],
  detail: Readonly<Record<string, unknown>>,
) {
  return {
    id,
    measure,
    value: round3(median(samples)),
    unit: 'ratio',
    bar,
    samples: samples.map(round3),
    detail,
  }
}

/** The median time of each contender in milliseconds. */
export function medians(times: Times): Record<string, number> {
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [name, round3(median(all))]))
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

export function round3(value: number): number {
  return Math.round(value * 1000) / 1000
}
