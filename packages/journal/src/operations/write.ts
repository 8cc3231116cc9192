/** `fs.write`: the bytes of a file of the tree. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { count, parents, path, silent } from './fields.ts'
import { filesOf, type FilesSlice, transaction } from './part.ts'

/** Writes. */
export const fsWrite = operation<FilesSlice<'write' | 'writeAt' | 'append'>>()({
  name: 'fs.write',
  summary: 'Write a file of the tree: the whole of it, at an offset, or at its end',
  parts: ['journal'],
  input: z
    .object({
      path,
      offset: count
        .optional()
        .describe('write from this byte on into a file that is there, and leave the rest of it'),
      append: z.boolean().default(false).describe('write at the end of a file that is there'),
      parents,
      transaction,
    })
    .refine(({ offset, append }) => offset === undefined || !append, {
      path: ['append'],
      message: 'has no offset: it is at the end',
    })
    .refine(({ offset, append, parents: missing }) => !missing || (offset === undefined && !append), {
      path: ['parents'],
      message: 'is for a file that is written as a whole',
    }),
  output: z.object({ path: z.string(), bytes: count.describe('bytes that were written') }),
  body: 'bytes',
  returns: 'value',
  effect: 'destructive',
  scope: 'write',
  doors: ['cli'],
  text: silent,
  async run({ journal }, { path: at, offset, append, ...input }, { signal, progress }, body) {
    const files = filesOf(journal, input.transaction)
    let bytes = 0
    const content = (async function* () {
      for await (const piece of body) {
        bytes += piece.length
        progress({ stage: 'writing', bytes })
        yield piece
      }
    })()
    if (append) await files.append(at, content, { signal })
    else if (offset !== undefined) await files.writeAt(at, offset, content, { signal })
    else await files.write(at, content, { parents: input.parents, signal })
    return { path: at, bytes }
  },
})
