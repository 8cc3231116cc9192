/** The history of a tree as a drawing, or as a page with the drawing and its numbers. Neither needs anything else. */
import { drawPlots, escapedXml, evenMarks, type LinePlot, numberText, roundMarks } from '@ipfs-kit/plot'
import type { TreeSample } from './journal.ts'

/** Options of {@link plotTree}. */
export interface PlotTreeOptions {
  /** Default `svg`; `html` has the numbers as a table too. */
  readonly format?: 'svg' | 'html'
  /** Default `The tree`. */
  readonly title?: string
}

interface Panel {
  readonly name: string
  readonly unit: string
  readonly colour: string
  readonly valueOf: (sample: TreeSample) => number
}

const panels: readonly Panel[] = [
  { name: 'tree', unit: 'bytes', colour: '#0072b2', valueOf: ({ treeBytes }) => treeBytes },
  { name: 'changes', unit: 'changes', colour: '#009e73', valueOf: ({ sequence }) => sequence },
  { name: 'log', unit: 'bytes', colour: '#d55e00', valueOf: ({ logBytes }) => logBytes },
]

const panelHeight = 280

/**
 * Draws bytes of the tree, changes, and bytes of the log over time. Times are in UTC; where the clock went back it stands still.
 *
 * @param samples - as `Journal.samples` gives them; without any the drawing says so
 */
export function plotTree(
  samples: readonly TreeSample[],
  { format = 'svg', title = 'The tree' }: PlotTreeOptions = {},
): string {
  if (!['svg', 'html'].includes(format)) throw new TypeError(`format is svg or html, not ${String(format)}`)
  const risen = rising(samples)
  const svg = drawPlots(panels.map((panel) => panelOf(panel, risen, title)))
  return format === 'svg' ? svg : pageOf(svg, samples, title)
}

/** A clock that went back would draw lines to the left. */
function rising(samples: readonly TreeSample[]): TreeSample[] {
  let latest = Number.NEGATIVE_INFINITY
  return samples.map((sample) => {
    latest = Math.max(latest, sample.at)
    return { ...sample, at: latest }
  })
}

function panelOf(
  { name, unit, colour, valueOf }: Panel,
  samples: readonly TreeSample[],
  title: string,
): LinePlot {
  const [first, last] = [samples[0], samples.at(-1)]
  const points = samples.map((sample) => ({ x: sample.at, y: valueOf(sample) }))
  const most = Math.max(0, ...points.map(({ y }) => y))
  return {
    title: `${title}: ${unit === name ? name : `${unit} of the ${name}`}`,
    subtitle:
      first === undefined || last === undefined
        ? 'no checkpoint yet'
        : `${numberText(valueOf(last))} ${unit} at ${timeText(last.at)} UTC`,
    description:
      first === undefined || last === undefined
        ? `No checkpoint of the tree was made yet.`
        : `From ${timeText(first.at)} to ${timeText(last.at)} UTC: ${numberText(valueOf(first))} to ${numberText(valueOf(last))} ${unit}, ${numberText(most)} at most.`,
    across: {
      label: 'time of the checkpoint, UTC',
      marks: first === undefined || last === undefined ? [0] : evenMarks(first.at, last.at, 5),
      textOf: first === undefined ? () => '' : timeText,
    },
    up: { label: unit, marks: roundMarks(most), textOf: shortText },
    lines: samples.length === 0 ? [] : [{ label: name, colour, points }],
    height: panelHeight,
  }
}

function pageOf(svg: string, samples: readonly TreeSample[], title: string): string {
  const rows = samples.map(
    ({ at, sequence, treeBytes, logBytes }) =>
      `<tr><td>${timeText(at)}</td><td>${sequence}</td><td>${treeBytes}</td><td>${logBytes}</td></tr>`,
  )
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<meta charset="utf-8">',
    // It has nothing to fetch and nothing to run; nor has what somebody may have put into it.
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escapedXml(title)}</title>`,
    '<style>body{font-family:sans-serif;margin:1rem}svg{max-width:100%;height:auto}table{border-collapse:collapse}th,td{padding:0.2rem 0.8rem;text-align:right}</style>',
    `<h1>${escapedXml(title)}</h1>`,
    svg,
    '<table>',
    '<caption>The same numbers, at checkpoints</caption>',
    '<thead><tr><th scope="col">time, UTC</th><th scope="col">changes</th><th scope="col">bytes of the tree</th><th scope="col">bytes of the log</th></tr></thead>',
    `<tbody>${rows.join('\n')}</tbody>`,
    '</table>',
    '</html>',
    '',
  ].join('\n')
}

/** 2026-11-30 21:05 */
function timeText(at: number): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString().slice(0, 16).replace('T', ' ')
}

/** What has room beside an axis. */
function shortText(value: number): string {
  const steps = ['', 'k', 'M', 'G', 'T', 'P']
  const step = value < 1000 ? 0 : Math.min(steps.length - 1, Math.floor(Math.log10(value) / 3))
  return `${Number((value / 1000 ** step).toPrecision(3))}${steps[step]}`
}
