/** A plot of hit ratios against sizes, as SVG. */
import type { ReplayPoint } from './replay.ts'

const width = 800
const height = 500
const frame = { left: 70, right: 110, top: 50, bottom: 60 }
/** Okabe and Ito's colours, which people who do not see all colours can tell apart. */
const looks: Readonly<Record<ReplayPoint['policy'], { readonly colour: string; readonly dash?: string }>> = {
  lirs: { colour: '#0072b2' },
  arc: { colour: '#d55e00' },
  's3-fifo': { colour: '#009e73' },
  lru: { colour: '#999999' },
  min: { colour: '#000000', dash: '4 4' },
}

/** The plot: a line for each policy, sizes on a logarithmic scale. */
export function plotOf(
  points: readonly ReplayPoint[],
  { title, unit }: { readonly title: string; readonly unit: 'entries' | 'bytes' },
): string {
  const sizes = [...new Set(points.map(({ size }) => size))].sort((a, b) => a - b)
  const [least, most] = [sizes[0]!, sizes.at(-1)!]
  const across = (size: number): number => {
    const share = least === most ? 0.5 : Math.log(size / least) / Math.log(most / least)
    return round(frame.left + share * (width - frame.left - frame.right))
  }
  const down = (ratio: number): number => round(frame.top + (1 - ratio) * (height - frame.top - frame.bottom))
  const lines = [...new Set(points.map(({ policy }) => policy))].map((policy) => {
    const own = points.filter((point) => point.policy === policy).sort((a, b) => a.size - b.size)
    const { colour, dash } = looks[policy]
    const path = own.map(({ size, hitRatio }) => `${across(size)},${down(hitRatio)}`).join(' ')
    const dots = own.map(
      ({ size, hitRatio }) => `<circle cx="${across(size)}" cy="${down(hitRatio)}" r="3" fill="${colour}"/>`,
    )
    const dashes = dash === undefined ? '' : ` stroke-dasharray="${dash}"`
    return {
      policy,
      end: down(own.at(-1)!.hitRatio),
      colour,
      drawn: `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"${dashes}/>${dots.join('')}`,
    }
  })
  const right = width - frame.right
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${frame.left}" y="28" font-size="17">${escaped(title)}</text>`,
    ...[0, 0.2, 0.4, 0.6, 0.8, 1].map(
      (ratio) =>
        `<line x1="${frame.left}" x2="${right}" y1="${down(ratio)}" y2="${down(ratio)}" stroke="#dddddd"/><text x="${frame.left - 8}" y="${down(ratio) + 4}" text-anchor="end">${ratio * 100} %</text>`,
    ),
    ...sizes.map(
      (size) =>
        `<line x1="${across(size)}" x2="${across(size)}" y1="${down(0)}" y2="${down(0) + 5}" stroke="#666666"/><text x="${across(size)}" y="${down(0) + 20}" text-anchor="middle">${short(size)}</text>`,
    ),
    `<text x="${(frame.left + right) / 2}" y="${height - 14}" text-anchor="middle">${unit} of the cache</text>`,
    `<text x="18" y="${height / 2}" text-anchor="middle" transform="rotate(-90 18 ${height / 2})">hits by requests</text>`,
    ...lines.map(({ drawn }) => drawn),
    ...spread(lines).map(
      ({ policy, at, colour }) =>
        `<text x="${right + 10}" y="${at + 4}" fill="${colour}">${labels[policy]}</text>`,
    ),
    '</svg>',
    '',
  ].join('\n')
}

const labels: Readonly<Record<ReplayPoint['policy'], string>> = {
  lirs: 'LIRS',
  arc: 'ARC',
  's3-fifo': 'S3-FIFO',
  lru: 'LRU',
  min: 'MIN (Belady)',
}

/** Labels beside the ends of their lines, none over another. */
function spread(
  lines: readonly { readonly policy: ReplayPoint['policy']; readonly end: number; readonly colour: string }[],
) {
  let last = Number.NEGATIVE_INFINITY
  return lines
    .toSorted((a, b) => a.end - b.end)
    .map(({ policy, end, colour }) => {
      last = Math.max(end, last + 16)
      return { policy, colour, at: last }
    })
}

/** 1.5k, 20M: up to three digits and a letter. */
function short(size: number): string {
  const steps = ['', 'k', 'M', 'G', 'T']
  const step = Math.min(steps.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3))
  return `${Number((size / 1000 ** step).toPrecision(3))}${steps[step]}`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`)
}
