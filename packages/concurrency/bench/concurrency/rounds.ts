/** Measures contenders side by side: round by round, each in turn, whoever begins alternating. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What the command line asked for. */
export interface Options {
  readonly quick: boolean
  readonly only?: ReadonlySet<string>
  readonly log: (line: string) => void
}

/** Does the whole job once and gives the milliseconds it took. */
export type Run = () => Promise<number>

/** One of those who are compared with ours. */
export interface Peer {
  readonly id: string
  readonly name: string
  /** What it is, in words. */
  readonly how: string
  readonly bar: string
  readonly run: Run
}

/** A job that is done by ours and by each of the peers. */
export interface Comparison {
  /** The job and what is compared, in words. */
  readonly measure: string
  readonly ours: Run
  readonly peers: readonly Peer[]
  readonly rounds: number
  /** Runs before the first round, which are not measured. */
  readonly warmup: number
  readonly detail: Readonly<Record<string, unknown>>
}

/** The milliseconds of each contender, round by round. */
export type Times = Readonly<Record<string, readonly number[]>>

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void

/**
 * Compares ours with one peer after the other, so that what a heavy one leaves to the collector is not paid for in the
 * comparison with another. The value is the median of how many times faster ours was in each round.
 */
export async function compare(comparison: Comparison, { quick, only, log }: Options) {
  const { measure, ours, peers, detail } = comparison
  const rounds = quick ? 3 : comparison.rounds
  const warmup = quick ? 1 : comparison.warmup
  const results = []
  for (const { id, name, how, bar, run } of peers) {
    if (only !== undefined && !only.has(id)) continue
    const contenders = { ours, [name]: run }
    const times = await interleave(contenders, { rounds, warmup, what: id, log })
    const samples = ratios(times, name)
    results.push({
      id,
      measure: `${measure} against ${how}`,
      value: round3(median(samples)),
      unit: 'ratio',
      bar,
      samples: samples.map(round3),
      detail: { ...detail, ms: medians(times) },
    })
  }
  return results
}

/** Runs every contender `warmup` times unmeasured, then in `rounds` rounds. */
export async function interleave(
  contenders: Readonly<Record<string, Run>>,
  { rounds, warmup, what, log }: { rounds: number; warmup: number; what: string; log: Options['log'] },
): Promise<Times> {
  const names = Object.keys(contenders)
  const times: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = -warmup; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      // What the one before has thrown away is not paid for by this one.
      collect({ type: 'minor' })
      const took = await contenders[name]!()
      if (round >= 0) times[name]!.push(took)
    }
    if (round < 0) continue
    const took = names.map((name) => `${name} ${times[name]![round]!.toFixed(2)} ms`)
    log(`${what}, round ${round + 1}: ${took.join(', ')}`)
  }
  return times
}

/** How many times faster than `peer` ours was, in each round. */
export function ratios(times: Times, peer: string): number[] {
  return times['ours']!.map((took, round) => times[peer]![round]! / took)
}

/** The milliseconds that `fn` takes from its call to its end. */
export async function timed(fn: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await fn()
  return performance.now() - began
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
