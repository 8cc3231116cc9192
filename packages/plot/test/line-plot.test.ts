import { drawPlots, evenMarks, type LinePlot, numberText, roundMarks } from '@ipfs-kit/plot'
import { expect, test } from 'vitest'
import { curvesOf, textsOf } from './drawing.ts'

const plot: LinePlot = {
  title: 'title',
  subtitle: 'subtitle',
  description: 'It rises.',
  across: { label: 'across', marks: [0, 50, 100], textOf: String },
  up: { label: 'up', marks: [0, 1], textOf: String },
  lines: [
    {
      label: 'first',
      colour: '#0072b2',
      points: [
        { x: 0, y: 0 },
        { x: 50, y: 1 },
        { x: 100, y: 0.5 },
      ],
    },
  ],
}

test('a line goes through its points, from the first mark of each axis to the last', () => {
  const svg = drawPlots([plot])
  expect(curvesOf(svg)).toEqual([
    [
      [70, 440],
      [365, 70],
      [660, 255],
    ],
  ])
  expect(textsOf(svg).map(({ text }) => text)).toEqual(
    expect.arrayContaining(['title', 'subtitle', 'across', 'up', 'first', '0', '50', '100', '1']),
  )
})

test('a logarithmic axis has equal room for equal factors', () => {
  const across = { ...plot.across, marks: [1, 10, 100], scale: 'logarithmic' as const }
  const points = [1, 10, 100].map((x) => ({ x, y: 0 }))
  const svg = drawPlots([{ ...plot, across, lines: [{ ...plot.lines[0]!, points }] }])
  expect(curvesOf(svg)[0]!.map(([x]) => x)).toEqual([70, 365, 660])
})

test('what the plots show is said for who does not see them', () => {
  const svg = drawPlots([plot, { ...plot, title: 'second', description: 'It falls.' }])
  expect(svg).toContain('role="img"')
  expect(svg).toMatch(/<title>title; second<\/title>\n<desc>It rises\. It falls\.<\/desc>/)
})

test('plots stand one below the other, each in its height', () => {
  const svg = drawPlots([{ ...plot, height: 300 }, plot])
  expect(svg).toContain('height="800" viewBox="0 0 800 800"')
  expect(svg.match(/<g transform="translate\(0 300\)">/g)).toHaveLength(1)
  expect(curvesOf(svg)[0]![0]).toEqual([70, 240])
})

test('names of lines that end in the same place are one below the other, and not below the plot', () => {
  const lines = Array.from({ length: 5 }, (_, nth) => ({
    ...plot.lines[0]!,
    label: `line ${nth}`,
    points: [{ x: 100, y: nth / 1000 }],
  }))
  const places = textsOf(drawPlots([{ ...plot, lines }]))
    .filter(({ text }) => text.startsWith('line'))
    .map(({ y }) => y)
    .sort((a, b) => a - b)
  expect(places).toHaveLength(5)
  for (const [at, y] of places.entries()) if (at > 0) expect(y - places[at - 1]!).toBeGreaterThanOrEqual(16)
  expect(places.at(-1)).toBeLessThan(450)
})

test('marks are written where they have room, the last always', () => {
  const across = { ...plot.across, marks: [0, 1, 2, 50, 99, 100], textOf: (mark: number) => `${mark} things` }
  const svg = drawPlots([{ ...plot, across }])
  expect(textsOf(svg).flatMap(({ y, text }) => (y === 460 ? [text] : []))).toEqual([
    '0 things',
    '50 things',
    '100 things',
  ])
  expect(svg.match(/stroke="#666666"/g)).toHaveLength(6)
})

test('a plot without lines, of one point, or with one mark is whole', () => {
  expect(drawPlots([{ ...plot, lines: [] }])).toMatch(/<\/svg>\n$/)
  const one = { ...plot, across: { ...plot.across, marks: [7] } }
  const svg = drawPlots([{ ...one, lines: [{ ...plot.lines[0]!, points: [{ x: 7, y: 1 }] }] }])
  expect(curvesOf(svg)).toEqual([[[365, 70]]])
  expect(svg).not.toMatch(/NaN|Infinity|undefined/)
})

test('no text leaves its place, whatever is in it', () => {
  const wild = `</text><script>alert("1")</script>&\u0001\ud800`
  const svg = drawPlots([
    {
      title: wild,
      subtitle: wild,
      description: wild,
      across: { label: wild, marks: [0, 1], textOf: () => wild },
      up: { label: wild, marks: [0, 1], textOf: () => wild },
      lines: [{ label: wild, colour: `"${wild}`, dash: `"${wild}`, points: [{ x: 0, y: 0 }] }],
    },
  ])
  expect(svg).not.toContain('<script')
  expect(svg.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}]/u)
  expect(svg).toContain('&#60;/text&#62;&#60;script&#62;')
})

test('nothing is fetched, and nothing runs', () => {
  const svg = drawPlots([plot])
  expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(
    /https?:|href|<script|url\(|@import/,
  )
})

test('round marks go up in steps that people count in', () => {
  expect(roundMarks(0)).toEqual([0, 1])
  expect(roundMarks(1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1])
  expect(roundMarks(7)).toEqual([0, 2, 4, 6, 8])
  expect(roundMarks(100)).toEqual([0, 20, 40, 60, 80, 100])
  expect(roundMarks(123_456)).toEqual([0, 50_000, 100_000, 150_000])
  for (const most of [0.3, 3, 17, 999, 1001, 2 ** 53 - 1]) {
    const marks = roundMarks(most)
    expect(marks.at(-1)).toBeGreaterThanOrEqual(most)
    expect(marks.at(-2)).toBeLessThan(most)
    expect(marks.length).toBeLessThanOrEqual(7)
  }
  for (const wrong of [-1, Number.NaN, Infinity]) expect(() => roundMarks(wrong)).toThrow(RangeError)
})

test('even marks have both ends', () => {
  expect(evenMarks(10, 20, 3)).toEqual([10, 15, 20])
  expect(evenMarks(10, 10, 3)).toEqual([10])
})

test('long numbers have three digits and a letter', () => {
  expect([0, 1668, 4_194_304, 20_000_000, 999_950_000, 2e15].map(numberText)).toEqual([
    '0',
    '1,668',
    '4,194,304',
    '20M',
    '1G',
    '2000T',
  ])
})
