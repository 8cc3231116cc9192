/** `fs.stat`, `fs.ls`, `fs.read`: what is in the tree. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { count, describe, described, path } from './fields.ts'
import { filesOf, type FilesSlice, transaction } from './part.ts'

/** Describes. */
export const fsStat = operation<FilesSlice<'stat'>>()({
  name: 'fs.stat',
  summary: 'Describe what is at a path of the tree',
  parts: ['journal'],
  input: z.object({ path, transaction }),
  output: described,
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli', 'mcp-opt-in'],
  text: (stat) =>
    [
      `type   ${stat.type}`,
      `cid    ${stat.cid ?? 'changed since it was written: flush it'}`,
      ...(stat.size === undefined ? [] : [`size   ${stat.size}`]),
      ...(stat.dagSize === undefined ? [] : [`dag    ${stat.dagSize}`]),
      ...(stat.mode === undefined ? [] : [`mode   ${octal(stat.mode)}`]),
      ...(stat.mtimeSeconds === undefined ? [] : [`mtime  ${timeText(stat.mtimeSeconds)}`]),
      ...(stat.tier === undefined ? [] : [`tier   ${stat.tier}`]),
      ...(stat.mount === undefined
        ? []
        : [`mount  ${stat.mount.cid}${stat.mount.writable ? ', can be changed' : ''}`]),
      ...Object.entries(stat.attributes ?? {}).map(([name, value]) => `       ${name}=${value}`),
    ].join('\n'),
  run: async ({ journal }, input, { signal }) =>
    describe(await filesOf(journal, input.transaction).stat(input.path, { signal })),
})

const entry = z.object({
  name: z.string(),
  ...described.shape,
})

/** Lists. */
export const fsLs = operation<FilesSlice<'ls'>>()({
  name: 'fs.ls',
  summary: 'List a folder of the tree, page by page',
  parts: ['journal'],
  input: z.object({
    path: path.default('/'),
    after: z.string().optional().describe('where to go on: next of the page before'),
    limit: z.int().min(1).max(10_000).default(1000).describe('entries of a page at most'),
    recursive: z
      .boolean()
      .default(false)
      .describe('with what is in the folders in it, each behind its folder'),
    long: z.boolean().default(false).describe('with sizes, permissions and times: each entry is looked at'),
    transaction,
  }),
  output: z.object({
    entries: z.array(entry),
    next: z.string().optional().describe('give it as after for what follows; absent at the end'),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli', 'mcp-opt-in'],
  command: { name: 'fs ls', arguments: ['path'] },
  text: ({ entries, next }) =>
    entries.length === 0
      ? undefined
      : [
          ...entries.map(entryLine),
          ...(next === undefined ? [] : [`… more: --after ${JSON.stringify(next)}`]),
        ].join('\n'),
  async run({ journal }, input, { signal }) {
    const files = filesOf(journal, input.transaction)
    const { entries, next } = await files.ls(input.path, {
      limit: input.limit,
      recursive: input.recursive,
      long: input.long,
      ...(input.after !== undefined && { after: input.after }),
      signal,
    })
    const listed = entries.map(({ name, ...stat }) => ({ name, ...describe(stat) }))
    return { entries: listed, ...(next !== undefined && { next }) }
  },
})

/** Reads. */
export const fsRead = operation<FilesSlice<'read'>>()({
  name: 'fs.read',
  summary: 'Read a file of the tree, or a range of it',
  parts: ['journal'],
  input: z.object({
    path,
    offset: count.default(0).describe('first byte'),
    length: count.optional().describe('bytes at most; default to the end'),
    transaction,
  }),
  output: z.never(),
  body: 'none',
  returns: 'bytes',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  async run({ journal }, { path: from, offset, length, transaction: id }, { signal }) {
    const range = { offset, ...(length !== undefined && { length }) }
    const body = await begun(filesOf(journal, id).read(from, { ...range, signal }))
    return { mediaType: 'application/octet-stream', body }
  },
})

/** Begins to read, so that what is wrong with the path is known before anything is answered. */
async function begun(body: AsyncGenerator<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  let first: IteratorResult<Uint8Array> | undefined = await body.next()
  const reader: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      const result = first ?? (await body.next())
      first = undefined
      return result
    },
    return: () => body.return(undefined),
  }
  return reader
}

/** A line as of `ls -l`: what is not known is a dash. */
function entryLine({ name, type: its, cid = '-', size, mode, mtimeSeconds }: z.output<typeof entry>): string {
  const shown = its === 'directory' ? `${name}/` : name
  if (size === undefined && mode === undefined && mtimeSeconds === undefined) return `${cid}  ${shown}`
  const bits = mode === undefined ? '-' : octal(mode)
  const time = mtimeSeconds === undefined ? '-' : timeText(mtimeSeconds)
  return `${bits.padEnd(4)}  ${String(size ?? '-').padStart(12)}  ${time.padEnd(24)}  ${cid}  ${shown}`
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

/** Times that no calendar has are shown as they are. */
function timeText(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString()
}
