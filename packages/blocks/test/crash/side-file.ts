/** Claims as a node records them: lines in a file beside the store, synced one by one. */
import { readFileSync } from 'node:fs'
import { type Block, listOf, numbered } from './made-blocks.ts'

/** A claim from which its blocks can be made again. */
export interface Line {
  readonly first: number
  readonly count: number
}

/** The text of a line that records a claim, or ends one. */
export function lineOf(sign: '+' | '-', { first, count }: Line): string {
  return `${sign}${first} ${count};\n`
}

/** The claims of a file. A last line that was cut off was never answered. */
export function readLines(path: string): Map<number, Line> {
  const claims = new Map<number, Line>()
  for (const [, sign, first, count] of readFileSync(path, 'utf8').matchAll(/^([+-])(\d+) (\d+);$/gm)) {
    if (sign === '+') claims.set(Number(first), { first: Number(first), count: Number(count) })
    else claims.delete(Number(first))
  }
  return claims
}

/** Root and leaves of a claim. */
export function blocksOf({ first, count }: Line): readonly Block[] {
  const leaves = Array.from({ length: count }, (_, at) =>
    numbered(first + at, 100 + (((first + at) * 7919) % 9000)),
  )
  return [
    listOf(
      leaves.map(({ cid }) => cid),
      first & 65_535,
    ),
    ...leaves,
  ]
}
