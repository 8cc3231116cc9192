/** Rounds in which contenders take turns, and what is made of their times. */
import type { Measured, Task } from './row.ts'

/** Does the whole job once and gives the milliseconds that its measured part took. */
export type Run = () => Promise<number>

/** The milliseconds of each contender, round by round. */
export type Times = Readonly<Record<string, readonly number[]>>

/** Runs every contender `warmup` times unmeasured, then in `rounds` rounds, each beginning with another one. */
export async function interleave(
  contenders: Readonly<Record<string, Run>>,
  plan: {
    readonly rounds: number
    readonly warmup: number
    readonly what: string
    readonly log: Task['log']
  },
): Promise<Times> {
  const names = Object.keys(contenders)
  const times: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = -plan.warmup; round < plan.rounds; round += 1) {
    for (const name of turned(names, round)) {
      globalThis.gc?.()
      const took = await contenders[name]!()
      if (round >= 0) times[name]!.push(took)
    }
    if (round < 0) continue
    const took = names.map((name) => `${name} ${times[name]![round]!.toFixed(1)} ms`)
    plan.log(`${plan.what}, round ${round + 1}: ${took.join(', ')}`)
  }
  return times
}

/** The median of how many times faster `name` was than `peer`. */
export function compare(times: Times, name: string, peer: string): Pick<Measured, 'value' | 'samples'> {
  return medianOf(times[name]!.map((took, round) => times[peer]![round]! / took))
}

/** The median of single measurements. */
export function medianOf(samples: readonly number[]): Pick<Measured, 'value' | 'samples'> {
  return { value: round3(median(samples)), samples: samples.map(round3) }
}

/** How many of `amount` a second each contender did: medians. */
export function rates(times: Times, amount: number): Record<string, number> {
  return Object.fromEntries(
    Object.entries(times).map(([name, all]) => [name, round3((amount / median(all)) * 1000)]),
  )
}

/** The milliseconds that `fn` takes. */
export async function timed(fn: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await fn()
  return performance.now() - began
}

/** Calls `fn` for each number below `count`, in order, so many at once. The first failure ends it. */
export async function inFlight(
  count: number,
  atOnce: number,
  fn: (at: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) {
      const at = next
      next += 1
      await fn(at)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
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

function turned(names: readonly string[], round: number): readonly string[] {
  const by = Math.abs(round) % names.length
  return [...names.slice(by), ...names.slice(0, by)]
}
