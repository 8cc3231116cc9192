/** The command that replays a trace. */
import { basename, resolve } from 'node:path'
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { CacheError } from '../errors.ts'
import { mostEntries } from '../memory-options.ts'
import { plotFiles, writePlot } from './plot-files.ts'
import { numberText } from '@ipfs-kit/plot'
import { plotOf } from './plot.ts'
import { policyNames, replay, usualSizes, type PolicyName, type ReplayPoint } from './replay.ts'
import { readTrace } from './trace.ts'

const points = z.object({
  policy: z.enum([...policyNames, 'min']),
  size: z.number().int(),
  hitRatio: z.number(),
})

/** Sizes in a list: whole numbers from 1, which a cache can have. */
const sizes = z
  .string()
  .refine(
    (text) => text.split(',').every((one) => /^[1-9]\d{0,14}$/.test(one.trim())),
    'is a list like 100,1000',
  )

/** @param cwd - the folder that paths start from */
export function replayOperation(cwd: string) {
  return operation<object>()({
    name: 'cache.replay',
    summary:
      'Run a trace of requests through caches of several policies and sizes, and plot their hit ratios',
    parts: [],
    input: z.object({
      trace: z.string().min(1).describe('file with a key a line, or a key and its bytes; may end in .gz'),
      policy: z
        .string()
        .default('lirs,arc,s3-fifo')
        .describe(`policies, of ${policyNames.join(', ')}`),
      entries: sizes.optional().describe('sizes of the caches in entries; default a few shares of the keys'),
      bytes: sizes.optional().describe('sizes of the caches in bytes instead'),
      plot: z
        .string()
        .min(1)
        .optional()
        .describe('files for the plot, .svg and .png; default the name of the trace'),
    }),
    output: z.object({
      requests: z.number().int(),
      keys: z.number().int(),
      unit: z.enum(['entries', 'bytes']),
      points: z.array(points),
      svg: z.string().describe('The file with the plot'),
      png: z.string().describe('The same plot in pixels'),
    }),
    body: 'none',
    returns: 'value',
    effect: 'read',
    scope: 'content:read',
    doors: ['cli'],
    command: { name: 'replay' },
    text: (result) =>
      [...tableOf(result.points, result.unit), `plotted in ${result.svg} and ${result.png}`].join('\n'),
    async run(_parts, input, { signal, progress }) {
      const policies = namesIn(input.policy)
      if (input.entries !== undefined && input.bytes !== undefined)
        throw new CacheError('CACHE_BAD_REPLAY', 'A replay has sizes in entries, or in bytes, not in both')
      const path = resolve(cwd, input.trace)
      const name = basename(path).replace(/(?<=.)(\.[a-z]+)+$/, '')
      const files = await plotFiles(resolve(cwd, input.plot ?? name), path)
      const trace = await readTrace(path, signal)
      const unit: 'entries' | 'bytes' = input.bytes === undefined ? 'entries' : 'bytes'
      if (unit === 'bytes' && trace.sizes === undefined)
        throw new CacheError(
          'CACHE_BAD_REPLAY',
          `${input.trace} says no bytes of its keys, so a cache of bytes has nothing to count`,
        )
      const wanted = (input.bytes ?? input.entries)?.split(',').map(Number) ?? usualSizes(trace, unit)
      const tooLarge = unit === 'entries' ? wanted.find((size) => size > mostEntries) : undefined
      if (tooLarge !== undefined)
        throw new CacheError(
          'CACHE_BAD_REPLAY',
          `A cache has at most ${mostEntries} entries, not ${tooLarge}`,
        )
      const found: ReplayPoint[] = []
      for await (const point of replay(trace, { policies, unit, sizes: wanted })) {
        signal.throwIfAborted()
        found.push(point)
        progress({ stage: 'replaying', bytes: 0, items: found.length })
      }
      const { requests, keys } = trace
      const subtitle = `${numberText(requests.length)} requests, ${numberText(keys)} keys`
      await writePlot(files, plotOf(found, { title: name, subtitle, unit }))
      return { requests: requests.length, keys, unit, points: found, ...files }
    },
  })
}

function namesIn(text: string): PolicyName[] {
  return text.split(',').map((part) => {
    const name = policyNames.find((one) => one === part.trim())
    if (name !== undefined) return name
    throw new CacheError(
      'CACHE_BAD_REPLAY',
      `There is no policy ${JSON.stringify(part.trim())}; there are ${policyNames.join(', ')}`,
    )
  })
}

/** A line for each size, a column for each policy, in percent. */
function tableOf(found: readonly ReplayPoint[], unit: string): string[] {
  const names = [...new Set(found.map(({ policy }) => policy))]
  const rows = [...new Set(found.map(({ size }) => size))].map((size) => [
    String(size),
    ...names.map((name) => {
      const point = found.find((one) => one.size === size && one.policy === name)
      return point === undefined ? '' : (100 * point.hitRatio).toFixed(2)
    }),
  ])
  const lines = [[unit, ...names], ...rows]
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines.map((line) => line.map((cell, column) => cell.padStart(widths[column]!)).join('  '))
}
