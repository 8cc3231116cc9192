/** How a plot is laid out. */
import { expect, test } from 'vitest'
import { plotOf } from '../src/replay/plot.ts'
import type { ReplayPoint } from '../src/replay/replay.ts'

const policies = ['lru', 'lirs', 'arc', 's3-fifo', 'min'] as const

function pointsAt(sizes: readonly number[], hitRatio: (policy: number, size: number) => number) {
  return sizes.flatMap((size) =>
    policies.map((policy, at): ReplayPoint => ({ policy, size, hitRatio: hitRatio(at, size) })),
  )
}

/** The texts of a plot, with their places. */
function textsOf(svg: string) {
  return [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</g)].map(([, x, y, text]) => ({
    x: Number(x),
    y: Number(y),
    text: text!,
  }))
}

const texts = { title: 'title', subtitle: 'subtitle', unit: 'entries' } as const

test.each([0, 0.01, 0.5, 1])('curves that all end at %d have names one below the other', (end) => {
  const svg = plotOf(
    pointsAt([10, 20], (policy) => Math.max(0, end - policy / 1000)),
    texts,
  )
  const names = textsOf(svg).filter(({ x }) => x > 680)
  expect(names.map(({ text }) => text).sort()).toEqual(['ARC', 'LIRS', 'LRU', 'MIN (Belady)', 'S3-FIFO'])
  const places = names.map(({ y }) => y).sort((a, b) => a - b)
  for (const [at, y] of places.entries()) if (at > 0) expect(y - places[at - 1]!).toBeGreaterThanOrEqual(16)
  // Above what the sizes are written under.
  expect(places.at(-1)).toBeLessThan(450)
  expect(places[0]).toBeGreaterThan(60)
})

test('curves in the same place show around each other', () => {
  const svg = plotOf(
    pointsAt([10, 20], () => 0.5),
    texts,
  )
  const radii = [...svg.matchAll(/<circle cx="70" cy="[\d.]+" r="([\d.]+)"/g)].map(([, r]) => Number(r))
  expect(radii).toHaveLength(5)
  for (const [at, radius] of radii.entries()) if (at > 0) expect(radius).toBeLessThan(radii[at - 1]!)
})

test('sizes are written where they have room, the first and the last always', () => {
  for (const [sizes, written] of [
    [
      [100, 101, 102, 110, 150, 300, 309, 310],
      ['100', '110', '150', '310'],
    ],
    [
      [1, 4_194_303, 4_194_304],
      ['1', '4,194,304'],
    ],
    [
      [999_950_000, 20_000_000_000],
      ['1G', '20G'],
    ],
    [[7], ['7']],
  ] as const) {
    const svg = plotOf(
      pointsAt(sizes, () => 0.5),
      texts,
    )
    expect(textsOf(svg).flatMap(({ y, text }) => (y === 460 ? [text] : []))).toEqual(written)
    // Each has its mark.
    expect(svg.match(/stroke="#666666"/g)).toHaveLength(sizes.length)
  }
})

test('a title of any length and content is one line of XML', () => {
  const title = `<a> & "b" \u0001\u001f\ufffe\ud800 ${'long '.repeat(100)}`
  const svg = plotOf(
    pointsAt([10], () => 0.5),
    { ...texts, title },
  )
  const [shown] = textsOf(svg)
  expect(shown!.text).toMatch(/^&#60;a&#62; &#38; &#34;b&#34; \ufffd{4} long .*…$/)
  expect(shown!.text.replaceAll(/&#\d+;/g, '_')).toHaveLength(40)
})
