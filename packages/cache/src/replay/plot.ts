/** A plot of hit ratios against sizes, as SVG. */
import { drawPlots, numberText, type PlotLine } from '@ipfs-kit/plot'
import type { ReplayPoint } from './replay.ts'

/** Okabe and Ito's colours, which people who do not see all colours can tell apart. */
const looks: Readonly<Record<ReplayPoint['policy'], Omit<PlotLine, 'points'>>> = {
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

/** The plot: a line for each policy, sizes on a logarithmic scale. */
export function plotOf(points: readonly ReplayPoint[], { title, subtitle, unit }: PlotTexts): string {
  const sizes = [...new Set(points.map(({ size }) => size))].sort((a, b) => a - b)
  const lines = [...new Set(points.map(({ policy }) => policy))].map((policy) => ({
    ...looks[policy],
    points: points
      .filter((point) => point.policy === policy)
      .sort((a, b) => a.size - b.size)
      .map(({ size, hitRatio }) => ({ x: size, y: hitRatio })),
  }))
  const best = lines.map(({ label, points: its }) => `${label} ${percent(its.at(-1)!.y)}`)
  return drawPlots([
    {
      title,
      subtitle,
      description: `Hits by requests at ${numberText(sizes.at(-1)!)} ${unit}: ${best.join(', ')}.`,
      across: { label: `${unit} of the cache`, marks: sizes, textOf: numberText, scale: 'logarithmic' },
      up: { label: 'hits by requests', marks: [0, 0.2, 0.4, 0.6, 0.8, 1], textOf: percent },
      lines,
    },
  ])
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 1000) / 10} %`
}
