/** Rounds in which contenders take turns, and what is made of their figures. */

/** One contender: does its work once, and gives its figure. */
export type Run = (round: number) => Promise<number>

/** The figures of each contender, round by round; each round begins with another one. One round before them, −1, does not count. */
export async function interleave<Name extends string>(
  contenders: Readonly<Record<Name, Run>>,
  rounds: number,
  log: (line: string) => void,
  what: string,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contenders) as Name[]
  const figures = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = -1; round < rounds; round += 1) {
    const by = (round + names.length) % names.length
    for (const name of [...names.slice(by), ...names.slice(0, by)]) {
      const figure = await contenders[name](round)
      if (round >= 0) figures[name].push(figure)
    }
    if (round < 0) continue
    log(
      `${what}, round ${round + 1}: ${names.map((name) => `${name} ${round3(figures[name][round]!)}`).join(', ')}`,
    )
  }
  return figures
}

/** The median of the ratios of the rounds, and what it was taken from. */
export function ratioOf(
  ours: readonly number[],
  theirs: readonly number[],
): { readonly value: number; readonly samples: readonly number[] } {
  return medianOf(ours.map((one, round) => one / theirs[round]!))
}

/** The median of single measurements, and these. */
export function medianOf(figures: readonly number[]): {
  readonly value: number
  readonly samples: readonly number[]
} {
  return { value: round3(median(figures)), samples: figures.map(round3) }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

export function round3(value: number): number {
  return Math.round(value * 1000) / 1000
}

/** Calls `work` for each number from one up to another, in order, so many at once, and gives the seconds. The first failure ends it. */
export async function secondsOf(
  from: number,
  to: number,
  atOnce: number,
  work: (nth: number) => Promise<unknown>,
): Promise<number> {
  const began = performance.now()
  let next = from
  const worker = async (): Promise<void> => {
    while (next < to) {
      const nth = next
      next += 1
      await work(nth)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return (performance.now() - began) / 1000
}
