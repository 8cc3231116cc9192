/** The files that a plot is written to: an SVG and a PNG beside it. */
import { stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CacheError } from '../errors.ts'
import { pngOf } from './png.ts'

/** Paths of a plot. */
export interface PlotFiles {
  readonly svg: string
  readonly png: string
}

/**
 * The files of a plot.
 *
 * @param path - theirs, with the ending of one of them or without any
 * @param trace - what they must not be written over
 * @throws CacheError CACHE_BAD_REPLAY if one of them is the trace, or their folder is none
 */
export async function plotFiles(path: string, trace: string): Promise<PlotFiles> {
  const base = path.replace(/\.(svg|png)$/i, '')
  const files = { svg: `${base}.svg`, png: `${base}.png` }
  const folder = dirname(base)
  if ((await stat(folder).catch(absent))?.isDirectory() !== true)
    throw new CacheError('CACHE_BAD_REPLAY', `There is no folder ${folder} for the plot`)
  const read = await identityOf(trace)
  for (const file of [files.svg, files.png]) {
    if (read !== undefined && (await identityOf(file)) === read)
      throw new CacheError(
        'CACHE_BAD_REPLAY',
        `The plot would be written over the trace ${trace}: give --plot another name`,
      )
  }
  return files
}

/** Writes a plot. @throws CacheError CACHE_BAD_REPLAY */
export async function writePlot({ svg, png }: PlotFiles, drawing: string): Promise<void> {
  const contents = [
    [svg, drawing],
    [png, await pngOf(drawing)],
  ] as const
  for (const [file, content] of contents) {
    try {
      await writeFile(file, content)
    } catch (cause) {
      throw new CacheError('CACHE_BAD_REPLAY', `${file} cannot be written: ${(cause as Error).message}`, {
        cause,
      })
    }
  }
}

/** What is the same for all names of a file; `undefined` if there is none. */
async function identityOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(absent)
  return found === undefined ? undefined : `${found.dev} ${found.ino}`
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
  throw error
}
