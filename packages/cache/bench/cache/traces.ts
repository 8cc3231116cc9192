/** The traces, and what is known about them: other people's data, read from where they are. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** A trace at a number of entries, with the percentages that its README names. */
export interface Cell {
  readonly trace: string
  readonly entries: number
  readonly arc: number
}

/** The sizes at which each trace is measured, with the reference hit ratio of ARC in percent. */
const reference: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  sprite: { 200: 42.79, 600: 82.09, 1000: 89.7 },
  multi1: { 200: 47.45, 500: 49.39, 1500: 70.81 },
  '2_pools': { 100: 46.88, 450: 51.62, 1000: 54.33 },
  loop: { 256: 0, 512: 0, 768: 0 },
  web07: { 75: 34.29, 300: 44.61, 1200: 54.3, 3000: 60.46 },
}

export const cells: readonly Cell[] = Object.entries(reference).flatMap(([trace, sizes]) =>
  Object.entries(sizes).map(([entries, arc]) => ({ trace, entries: Number(entries), arc })),
)

/** A trace as key numbers from 0. */
export function readTrace(
  folder: string,
  name: string,
): { readonly requests: Int32Array; readonly keys: number } {
  const lines = gunzipSync(readFileSync(join(folder, `${name}.txt.gz`)))
    .toString()
    .trimEnd()
    .split('\n')
  const numbers = new Map<string, number>()
  const requests = Int32Array.from(lines, (line) => {
    const known = numbers.get(line)
    if (known !== undefined) return known
    numbers.set(line, numbers.size)
    return numbers.size - 1
  })
  return { requests, keys: numbers.size }
}
