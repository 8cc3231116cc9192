/** Rounds in which contenders take turns, and what is made of their figures. */

/** One contender: works for a while, and gives its figure. */
export type Run = () => Promise<number>

/** The figures of each contender, round by round; each round begins with another one. One round before them does not count. */
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
      const figure = await contenders[name]()
      if (round >= 0) figures[name].push(figure)
    }
    if (round < 0) continue
    const shown = names.map((name) => `${name} ${round3(figures[name][round]!)}`)
    log(`${what}, round ${round + 1}: ${shown.join(', ')}`)
  }
  return figures
}

/** The median of the ratios of the rounds, and what it was taken from. */
export function ratioOf(
  ours: readonly number[],
  theirs: readonly number[],
): { readonly value: number; readonly samples: number[] } {
  const samples = ours.map((one, round) => Number((one / theirs[round]!).toPrecision(3)))
  return { value: median(samples), samples }
}

/** The value below which a share of them lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

export function round3(value: number): number {
  return Math.round(value * 1000) / 1000
}
