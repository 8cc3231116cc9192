/** `journal.samples`, `journal.plot`, `journal.plot-svg`: how large the tree was, as numbers and as a drawing. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { plotTree } from '../plot-tree.ts'
import { count } from './fields.ts'
import type { JournalSlice } from './part.ts'

const common = {
  parts: ['journal'],
  body: 'none',
  effect: 'read',
  scope: 'content:read',
} as const

/** Tells the numbers. */
export const journalSamples = operation<JournalSlice<'samples'>>()({
  ...common,
  name: 'journal.samples',
  summary: 'List how large the tree and its log were at checkpoints, the oldest first, the older the sparser',
  input: z.object({}),
  output: z.object({
    samples: z.array(
      z.object({
        at: z.iso.datetime(),
        sequence: count.describe('changes up to then'),
        treeBytes: count,
        logBytes: count,
      }),
    ),
  }),
  returns: 'value',
  doors: ['cli', 'mcp-opt-in'],
  text: ({ samples }) =>
    samples
      .map(
        ({ at, sequence, treeBytes, logBytes }) =>
          `${at}  ${sequence} changes  tree ${treeBytes} bytes  log ${logBytes} bytes`,
      )
      .join('\n'),
  run: async ({ journal }) => ({
    samples: journal.samples().map(({ at, ...sample }) => ({ at: new Date(at).toISOString(), ...sample })),
  }),
})

/** Draws them. */
export const journalPlot = operation<JournalSlice<'samples'>>()({
  ...common,
  name: 'journal.plot',
  summary:
    'Draw how large the tree and its log were at checkpoints: a page, or an SVG, that needs nothing else',
  input: z.object({
    format: z.enum(['html', 'svg']).default('html').describe('html has the numbers as a table too'),
  }),
  output: z.never(),
  returns: 'bytes',
  doors: ['cli'],
  async run({ journal }, { format }) {
    const drawing = Buffer.from(plotTree(journal.samples(), { format }))
    return { mediaType: mediaTypes[format], size: drawing.length, body: whole(drawing) }
  },
})

/** Draws them for agents. */
export const journalPlotSvg = operation<JournalSlice<'samples'>>()({
  ...common,
  name: 'journal.plot-svg',
  summary: 'Draw how large the tree and its log were at checkpoints, as the text of an SVG',
  input: z.object({}),
  output: z.object({ svg: z.string().describe('the drawing; it needs nothing else') }),
  returns: 'value',
  doors: ['mcp-opt-in'],
  text: ({ svg }) => svg,
  run: async ({ journal }) => ({ svg: plotTree(journal.samples()) }),
})

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}

const mediaTypes = { html: 'text/html; charset=utf-8', svg: 'image/svg+xml' } as const
