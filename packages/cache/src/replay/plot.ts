/** A plot of hit ratios against sizes, as SVG. */
import type { ReplayPoint } from './replay.ts'

const width = 800
const height = 500
const frame = { left: 70, right: 140, top: 70, bottom: 60 }
const right = width - frame.right
const bottom = height - frame.bottom
/** Between the labels at the right. */
const labelHeight = 17
/** Room that a digit at the bottom takes, at most. */
const digitWidth = 8
/** Characters of a title at most: so many of the widest have room. */
const maxTitle = 40
/** Okabe and Ito's colours, which people who do not see all colours can tell apart. */
const looks: Readonly<
  Record<ReplayPoint['policy'], { readonly label: string; readonly colour: string; readonly dash?: string }>
> = {
  lirs: { label: 'LIRS', colour: '#0072b2' },
  arc: { label: 'ARC', colour: '#d55e00' },
  's3-fifo': { label: 'S3-FIFO', colour: '#009e73' },
  lru: { label: 'LRU', colour: '#8a8a8a' },
  min: { label: 'MIN (Belady)', colour: '#000000', dash: '4 4' },
}

/** What the plot says besides the points. */
export interface PlotTexts {
  readonly title: string
  readonly subtitle: string
  readonly unit: 'entries' | 'bytes'
}

interface Line {
  readonly policy: ReplayPoint['policy']
  readonly spots: readonly { readonly x: number; readonly y: number }[]
}

/** The plot: a line for each policy, sizes on a logarithmic scale. */
export function plotOf(points: readonly ReplayPoint[], { title, subtitle, unit }: PlotTexts): string {
  const sizes = [...new Set(points.map(({ size }) => size))].sort((a, b) => a - b)
  const [least, most] = [sizes[0]!, sizes.at(-1)!]
  const across = (size: number): number => {
    const share = least === most ? 0.5 : Math.log(size / least) / Math.log(most / least)
    return round(frame.left + share * (right - frame.left))
  }
  const lines: Line[] = [...new Set(points.map(({ policy }) => policy))].map((policy) => ({
    policy,
    spots: points
      .filter((point) => point.policy === policy)
      .sort((a, b) => a.size - b.size)
      .map(({ size, hitRatio }) => ({ x: across(size), y: down(hitRatio) })),
  }))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13" fill="#222222">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${frame.left}" y="28" font-size="17">${escaped(shortened(title))}</text>`,
    `<text x="${frame.left}" y="48" fill="#555555">${escaped(subtitle)}</text>`,
    ...[0, 0.2, 0.4, 0.6, 0.8, 1].map(
      (ratio) =>
        `<line x1="${frame.left}" x2="${right}" y1="${down(ratio)}" y2="${down(ratio)}" stroke="#dddddd"/><text x="${frame.left - 10}" y="${down(ratio) + 4}" text-anchor="end">${ratio * 100} %</text>`,
    ),
    ...sizes.map(
      (size) =>
        `<line x1="${across(size)}" x2="${across(size)}" y1="${bottom}" y2="${bottom + 5}" stroke="#666666"/>`,
    ),
    ...labelled(sizes, across).map(
      (size) =>
        `<text x="${across(size)}" y="${bottom + 20}" text-anchor="middle">${numberText(size)}</text>`,
    ),
    `<text x="${(frame.left + right) / 2}" y="${height - 14}" text-anchor="middle">${unit} of the cache</text>`,
    `<text x="18" y="${(frame.top + bottom) / 2}" text-anchor="middle" transform="rotate(-90 18 ${(frame.top + bottom) / 2})">hits by requests</text>`,
    ...lines.map((line, at) => curve(line, lines.length - 1 - at)),
    ...spread(lines.map(({ policy, spots }) => ({ policy, end: spots.at(-1)!.y }))).map(legend),
    '</svg>',
    '',
  ].join('\n')
}

/** A line with its dots. Those that are drawn first are larger, so that lines in the same place show around each other. */
function curve({ policy, spots }: Line, later: number): string {
  const { colour } = looks[policy]
  const dots = spots.map(
    ({ x, y }) => `<circle cx="${x}" cy="${y}" r="${round(2.5 + 0.8 * later)}" fill="${colour}"/>`,
  )
  return `<polyline points="${spots.map(({ x, y }) => `${x},${y}`).join(' ')}" fill="none" ${strokeOf(policy)}/>${dots.join('')}`
}

function legend({ policy, at }: { readonly policy: ReplayPoint['policy']; readonly at: number }): string {
  const [from, to] = [right + 12, right + 32]
  return `<line x1="${from}" x2="${to}" y1="${at}" y2="${at}" ${strokeOf(policy)}/><text x="${to + 6}" y="${at + 4}">${looks[policy].label}</text>`
}

function strokeOf(policy: ReplayPoint['policy']): string {
  const { colour, dash } = looks[policy]
  return `stroke="${colour}" stroke-width="2"${dash === undefined ? '' : ` stroke-dasharray="${dash}"`}`
}

/** Places of labels beside the ends of their lines: none over another, and none below the plot. */
function spread(ends: readonly { readonly policy: ReplayPoint['policy']; readonly end: number }[]) {
  const labels = ends.toSorted((a, b) => a.end - b.end)
  let above = Number.NEGATIVE_INFINITY
  return labels.map(({ policy, end }, number) => {
    const lowest = bottom - labelHeight * (labels.length - 1 - number)
    above = Math.min(lowest, Math.max(end, above + labelHeight))
    return { policy, at: above }
  })
}

/** The sizes whose labels have room: the last, and those that are far enough from it and from the one before. */
function labelled(sizes: readonly number[], across: (size: number) => number): number[] {
  const apart = digitWidth * (1 + Math.max(...sizes.map((size) => numberText(size).length)))
  const last = across(sizes.at(-1)!)
  let before = Number.NEGATIVE_INFINITY
  return sizes.filter((size) => {
    const x = across(size)
    if (size !== sizes.at(-1) && (x - before < apart || last - x < apart)) return false
    before = x
    return true
  })
}

function down(ratio: number): number {
  return round(frame.top + (1 - ratio) * (bottom - frame.top))
}

/** 1,668 and 4,194,304 as they are; what is longer has three digits and a letter: 20M. */
export function numberText(size: number): string {
  if (size < 10_000_000) return size.toLocaleString('en')
  const steps = ['', 'k', 'M', 'G', 'T']
  const rounded = Number(size.toPrecision(3))
  const step = Math.min(steps.length - 1, Math.floor(Math.log10(rounded) / 3))
  return `${rounded / 1000 ** step}${steps[step]}`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function shortened(title: string): string {
  const characters = Array.from(new Intl.Segmenter().segment(title), ({ segment }) => segment)
  return characters.length <= maxTitle ? title : `${characters.slice(0, maxTitle - 1).join('')}…`
}

/** Text in XML, which has no control characters. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`)
}
