import { plotTree, type TreeSample } from '@ipfs-kit/journal'
import { expect, test } from 'vitest'

const day = Date.UTC(2026, 0, 1)
const samples: TreeSample[] = [
  { at: day, sequence: 10, treeBytes: 1_000_000, logBytes: 200_000 },
  { at: day + 3_600_000, sequence: 40, treeBytes: 3_000_000, logBytes: 600_000 },
  { at: day + 7_200_000, sequence: 100, treeBytes: 2_000_000, logBytes: 100_000 },
]

/** The points of each line. */
function curvesOf(svg: string): [number, number][][] {
  return [...svg.matchAll(/<polyline points="([^"]+)"/g)].map(([, points]) =>
    points!.split(' ').map((point) => point.split(',').map(Number) as [number, number]),
  )
}

test('a drawing has the tree, its changes and its log over time, and says so', () => {
  const svg = plotTree(samples, { title: 'Home' })
  const [tree, changes, log] = curvesOf(svg)
  for (const curve of [tree, changes, log]) expect(curve!.map(([x]) => x)).toEqual([70, 365, 660])
  const heights = (curve: [number, number][]) => curve.map(([, y]) => y)
  // The largest is the highest.
  expect(Math.min(...heights(tree!))).toBe(heights(tree!)[1])
  expect(heights(changes!)).toEqual(heights(changes!).toSorted((left, right) => right - left))
  expect(Math.max(...heights(log!))).toBe(heights(log!)[2])
  expect(svg).toContain('<title>Home: bytes of the tree; Home: changes; Home: bytes of the log</title>')
  expect(svg).toContain(
    'From 2026-01-01 00:00 to 2026-01-01 02:00 UTC: 1,000,000 to 2,000,000 bytes, 3,000,000 at most.',
  )
  expect(svg).toContain('>100 changes at 2026-01-01 02:00 UTC<')
})

test('a page has the drawing and its numbers, and nothing to fetch or to run', () => {
  const page = plotTree(samples, { format: 'html', title: '<b>Home</b>' })
  expect(page).toMatch(/^<!doctype html>/)
  expect(page).toContain(plotTree(samples, { title: '<b>Home</b>' }))
  expect(page).toContain('<tr><td>2026-01-01 01:00</td><td>40</td><td>3000000</td><td>600000</td></tr>')
  expect(page).toContain('<h1>&#60;b&#62;Home&#60;/b&#62;</h1>')
  const rest = page.replace('xmlns="http://www.w3.org/2000/svg"', '')
  expect(rest).not.toMatch(/https?:|href|src=|<script|url\(|@import/)
})

test('no sample, one, and a clock that jumps are drawn', () => {
  for (const some of [
    [],
    samples.slice(0, 1),
    [samples[1]!, samples[0]!, samples[2]!],
    samples.map((sample) => ({ ...sample, at: 1e300 })),
    samples.map((sample) => ({ ...sample, treeBytes: 0, sequence: 0, logBytes: 0 })),
  ]) {
    for (const format of ['svg', 'html'] as const) {
      const drawing = plotTree(some, { format })
      expect(drawing).not.toMatch(/NaN|Infinity|undefined/)
      for (const curve of curvesOf(drawing)) {
        const across = curve.map(([x]) => x)
        expect(across).toEqual(across.toSorted((left, right) => left - right))
      }
    }
  }
  expect(plotTree([])).toContain('no checkpoint yet')
  expect(() => plotTree(samples, { format: 'pdf' as never })).toThrow(TypeError)
})
