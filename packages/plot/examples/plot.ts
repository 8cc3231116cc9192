import assert from 'node:assert/strict'
import { drawPlots, evenMarks, numberText, roundMarks } from '@ipfs-kit/plot'

const visitors = [3, 5, 4, 9]
const svg = drawPlots([
  {
    title: 'Visitors',
    subtitle: 'four days',
    description: 'Visitors of four days: 3, 5, 4 and 9.',
    across: { label: 'day', marks: evenMarks(1, visitors.length, 4), textOf: String },
    up: { label: 'visitors', marks: roundMarks(Math.max(...visitors)), textOf: numberText },
    lines: [
      { label: 'all', colour: '#0072b2', points: visitors.map((count, at) => ({ x: at + 1, y: count })) },
    ],
  },
])
assert.match(svg, /^<svg /)
