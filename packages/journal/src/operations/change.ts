/** `fs.mkdir`, `fs.rm`, `fs.mv`, `fs.chmod`, `fs.touch`, `fs.truncate`: changes of the tree that carry no bytes. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { targetOf } from '../path.ts'
import { count, done, metadataOf, mode, mtimeSeconds, parents, path, silent, to } from './fields.ts'
import { filesOf, type FilesSlice, transaction } from './part.ts'

const common = {
  parts: ['journal'],
  body: 'none',
  returns: 'value',
  scope: 'content:write',
  doors: ['cli', 'mcp-opt-in'],
  text: silent,
} as const

/** Makes a folder. */
export const fsMkdir = operation<FilesSlice<'mkdir'>>()({
  ...common,
  name: 'fs.mkdir',
  summary: 'Make a folder in the tree',
  input: z.object({
    path,
    parents: parents.describe(
      'make folders that are missing on the way; a folder that is there already is no error',
    ),
    mode: mode.optional(),
    mtimeSeconds: mtimeSeconds.optional(),
    transaction,
  }),
  output: done,
  effect: 'write',
  async run({ journal }, input, { signal }) {
    const options = { parents: input.parents, ...metadataOf(input), signal }
    await filesOf(journal, input.transaction).mkdir(input.path, options)
    return { path: input.path }
  },
})

/** Removes. */
export const fsRm = operation<FilesSlice<'rm'>>()({
  ...common,
  name: 'fs.rm',
  summary: 'Remove a file or a folder from the tree',
  input: z.object({
    path,
    recursive: z.boolean().default(false).describe('also a folder that has entries, with all of them'),
    transaction,
  }),
  output: done,
  effect: 'destructive',
  async run({ journal }, { path: at, recursive, transaction: id }, { signal }) {
    await filesOf(journal, id).rm(at, { recursive, signal })
    return { path: at }
  },
})

const from = path.describe('path of what is there, such as /notes/today.txt')

/** Moves. */
export const fsMv = operation<FilesSlice<'mv'>>()({
  ...common,
  name: 'fs.mv',
  summary: 'Move a file or a folder; a file takes the place of a file',
  input: z.object({ from, to, parents, transaction }),
  output: done,
  effect: 'destructive',
  async run({ journal }, input, { signal }) {
    const target = targetOf(input.to, input.from)
    await filesOf(journal, input.transaction).mv(input.from, target, { parents: input.parents, signal })
    return { path: target }
  },
})

/** Sets the mode. */
export const fsChmod = operation<FilesSlice<'setMetadata'>>()({
  ...common,
  name: 'fs.chmod',
  summary: 'Set the permission bits of a file or a folder',
  input: z.object({ path, mode, transaction }),
  output: done,
  effect: 'write',
  idempotent: true,
  async run({ journal }, { path: at, transaction: id, ...input }, { signal }) {
    await filesOf(journal, id).setMetadata(at, metadataOf(input), { signal })
    return { path: at }
  },
})

/** Sets the time. */
export const fsTouch = operation<FilesSlice<'setMetadata'>>()({
  ...common,
  name: 'fs.touch',
  summary: 'Set the time of the last change of a file or a folder',
  input: z.object({
    path,
    mtimeSeconds: mtimeSeconds.optional().describe('seconds since 1970, with fractions; default now'),
    transaction,
  }),
  output: done,
  effect: 'write',
  async run({ journal }, { path: at, mtimeSeconds: seconds = Date.now() / 1000, ...input }, { signal }) {
    const files = filesOf(journal, input.transaction)
    await files.setMetadata(at, metadataOf({ mtimeSeconds: seconds }), { signal })
    return { path: at }
  },
})

/** Cuts. */
export const fsTruncate = operation<FilesSlice<'truncate'>>()({
  ...common,
  name: 'fs.truncate',
  summary: 'Cut a file, or fill it with zeros, to a size',
  input: z.object({ path, size: count.describe('bytes that it is to have'), transaction }),
  output: done,
  effect: 'destructive',
  idempotent: true,
  async run({ journal }, { path: at, size, transaction: id }, { signal }) {
    await filesOf(journal, id).truncate(at, size, { signal })
    return { path: at }
  },
})
