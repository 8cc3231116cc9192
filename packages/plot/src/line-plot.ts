/** Lines over two axes, as SVG that needs nothing else. */
import { escapedXml, shortened } from './texts.ts'

/** One line. */
export interface PlotLine {
  readonly label: string
  /** As CSS writes it. */
  readonly colour: string
  /** Lengths of dashes and gaps. Default: none, a whole line. */
  readonly dash?: string
  /** From left to right. At least one. */
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

/** An axis, from the first to the last of its marks. */
export interface PlotAxis {
  readonly label: string
  /** Rising. At least one. A label stands where it has room, at the first and last always. */
  readonly marks: readonly number[]
  readonly textOf: (mark: number) => string
  /** Default `linear`. Marks of one that is logarithmic are above 0. */
  readonly scale?: 'linear' | 'logarithmic'
}

/** A plot. */
export interface LinePlot {
  /** One line; what is longer than 40 characters is cut. */
  readonly title: string
  readonly subtitle: string
  /** What it shows, for who does not see it. */
  readonly description: string
  readonly across: PlotAxis
  readonly up: PlotAxis
  readonly lines: readonly PlotLine[]
  /** Height of it, in the units in which it is 800 wide, from 200. Default 500. */
  readonly height?: number
}

const width = 800
const frame = { left: 70, right: 140, top: 70, bottom: 60 }
const right = width - frame.right
/** Between the labels at the right. */
const labelHeight = 17
/** Room that a digit at the bottom takes, at most. */
const digitWidth = 8

/** Draws plots, one below the other. */
export function drawPlots(plots: readonly LinePlot[]): string {
  const heights = plots.map(({ height = 500 }) => height)
  const height = heights.reduce((sum, one) => sum + one, 0)
  const parts = plots.map((plot, at) => {
    const top = heights.slice(0, at).reduce((sum, one) => sum + one, 0)
    return top === 0 ? drawn(plot) : `<g transform="translate(0 ${top})">\n${drawn(plot)}\n</g>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13" fill="#222222">`,
    `<title>${escapedXml(plots.map(({ title }) => title).join('; '))}</title>`,
    `<desc>${escapedXml(plots.map(({ description }) => description).join(' '))}</desc>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}

function drawn({ title, subtitle, across, up, lines, height = 500 }: LinePlot): string {
  const bottom = height - frame.bottom
  const xOf = place(across, frame.left, right)
  const yOf = place(up, bottom, frame.top)
  const middle = (frame.top + bottom) / 2
  const spots = lines.map((line) => ({
    line,
    spots: line.points.map(({ x, y }) => ({ x: xOf(x), y: yOf(y) })),
  }))
  return [
    `<text x="${frame.left}" y="28" font-size="17">${escapedXml(shortened(title))}</text>`,
    `<text x="${frame.left}" y="48" fill="#555555">${escapedXml(subtitle)}</text>`,
    ...up.marks.map(
      (mark) =>
        `<line x1="${frame.left}" x2="${right}" y1="${yOf(mark)}" y2="${yOf(mark)}" stroke="#dddddd"/><text x="${frame.left - 10}" y="${yOf(mark) + 4}" text-anchor="end">${escapedXml(up.textOf(mark))}</text>`,
    ),
    ...across.marks.map(
      (mark) =>
        `<line x1="${xOf(mark)}" x2="${xOf(mark)}" y1="${bottom}" y2="${bottom + 5}" stroke="#666666"/>`,
    ),
    ...labelled(across, xOf).map(
      (mark) =>
        `<text x="${xOf(mark)}" y="${bottom + 20}" text-anchor="middle">${escapedXml(across.textOf(mark))}</text>`,
    ),
    `<text x="${(frame.left + right) / 2}" y="${height - 14}" text-anchor="middle">${escapedXml(across.label)}</text>`,
    `<text x="18" y="${middle}" text-anchor="middle" transform="rotate(-90 18 ${middle})">${escapedXml(up.label)}</text>`,
    ...spots.map((one, at) => curve(one, lines.length - 1 - at)),
    ...spread(
      spots.map(({ line, spots: its }) => ({ line, end: its.at(-1)!.y })),
      bottom,
    ).map(legend),
  ].join('\n')
}

/** Where a value of an axis lies between two places. */
function place({ marks, scale = 'linear' }: PlotAxis, from: number, to: number): (value: number) => number {
  const measure = scale === 'logarithmic' ? Math.log : (value: number) => value
  const [least, most] = [measure(marks[0]!), measure(marks.at(-1)!)]
  return (value) => {
    const share = least === most ? 0.5 : (measure(value) - least) / (most - least)
    return round(from + share * (to - from))
  }
}

interface Drawn {
  readonly line: PlotLine
  readonly spots: readonly { readonly x: number; readonly y: number }[]
}

/** A line with its dots. Those that are drawn first are larger, so that lines in the same place show around each other. */
function curve({ line, spots }: Drawn, later: number): string {
  const dots = spots.map(
    ({ x, y }) =>
      `<circle cx="${x}" cy="${y}" r="${round(2.5 + 0.8 * later)}" fill="${escapedXml(line.colour)}"/>`,
  )
  return `<polyline points="${spots.map(({ x, y }) => `${x},${y}`).join(' ')}" fill="none" ${strokeOf(line)}/>${dots.join('')}`
}

function legend({ line, at }: { readonly line: PlotLine; readonly at: number }): string {
  const [from, to] = [right + 12, right + 32]
  return `<line x1="${from}" x2="${to}" y1="${at}" y2="${at}" ${strokeOf(line)}/><text x="${to + 6}" y="${at + 4}">${escapedXml(line.label)}</text>`
}

function strokeOf({ colour, dash }: PlotLine): string {
  const dashes = dash === undefined ? '' : ` stroke-dasharray="${escapedXml(dash)}"`
  return `stroke="${escapedXml(colour)}" stroke-width="2"${dashes}`
}

/** Places of labels beside the ends of their lines: none over another, and none below the plot. */
function spread(ends: readonly { readonly line: PlotLine; readonly end: number }[], bottom: number) {
  const labels = ends.toSorted((a, b) => a.end - b.end)
  let above = Number.NEGATIVE_INFINITY
  return labels.map(({ line, end }, number) => {
    const lowest = bottom - labelHeight * (labels.length - 1 - number)
    above = Math.min(lowest, Math.max(end, above + labelHeight))
    return { line, at: above }
  })
}

/** The marks whose labels have room: the last, and those that are far enough from it and from the one before. */
function labelled({ marks, textOf }: PlotAxis, xOf: (mark: number) => number): number[] {
  const apart = digitWidth * (1 + Math.max(...marks.map((mark) => textOf(mark).length)))
  const last = xOf(marks.at(-1)!)
  let before = Number.NEGATIVE_INFINITY
  return marks.filter((mark) => {
    const x = xOf(mark)
    if (mark !== marks.at(-1) && (x - before < apart || last - x < apart)) return false
    before = x
    return true
  })
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
