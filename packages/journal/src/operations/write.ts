/** `fs.write`: the bytes of a file of the tree. */
import type { FileBytes } from '@ipfs-kit/ipfs/unixfs'
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { Files } from '../journal.ts'
import { kindAt } from '../kind-at.ts'
import { count, metadataOf, mode, mtimeSeconds, parents, path, silent } from './fields.ts'
import { atOnce, type ChangeSlice, filesOf, transaction } from './part.ts'

/** Where content is to be written, and how. */
export const writeInput = z
  .object({
    path,
    offset: count.optional().describe('write from this byte on, and leave the rest of the file'),
    append: z.boolean().default(false).describe('write at the end of the file'),
    create: z
      .boolean()
      .default(false)
      .describe('with offset or append: make the file if it is not there; a whole one is made anyway'),
    parents,
    mode: mode
      .optional()
      .describe('permission bits of a file that is written as a whole, octal, such as 644'),
    mtimeSeconds: mtimeSeconds.optional().describe('its time, in seconds since 1970'),
    transaction,
  })
  .refine(({ offset, append }) => offset === undefined || !append, {
    path: ['append'],
    message: 'has no offset: it is at the end',
  })
  .refine(({ offset, append, create, parents: all }) => !all || create || isWhole({ offset, append }), {
    path: ['parents'],
    message: 'is for a file that is made: give create too',
  })
  .refine((input) => isWhole(input) || (input.mode ?? input.mtimeSeconds) === undefined, {
    path: ['mode'],
    message: 'and mtimeSeconds are for a file that is written as a whole: see fs.chmod and fs.touch',
  })

/** What was written. */
export const written = z.object({ path: z.string(), bytes: count.describe('bytes that were written') })

/** Writes. */
export const fsWrite = operation<ChangeSlice>()({
  name: 'fs.write',
  summary: 'Write a file of the tree: the whole of it, at an offset, or at its end',
  parts: ['journal'],
  input: writeInput,
  output: written,
  body: 'bytes',
  returns: 'value',
  effect: 'destructive',
  scope: 'content:write',
  doors: ['cli'],
  text: silent,
  async run({ journal }, input, { signal, progress }, body) {
    let bytes = 0
    const content = (async function* () {
      for await (const piece of body) {
        bytes += piece.length
        progress({ stage: 'writing', bytes })
        yield piece
      }
    })()
    await writeContent(journal, input, content, signal)
    return { path: input.path, bytes }
  },
})

/** Writes content as an input says, as one change. */
export async function writeContent(
  journal: ChangeSlice['journal'],
  { path: at, offset, append, ...input }: z.output<typeof writeInput>,
  content: FileBytes,
  signal: AbortSignal,
): Promise<void> {
  const { create, parents: all } = input
  const write = async (files: Files): Promise<void> => {
    if (append) await files.append(at, content, { signal })
    else if (offset !== undefined) await files.writeAt(at, offset, content, { signal })
    else await files.write(at, content, { parents: all, ...metadataOf(input), signal })
  }
  if (isWhole({ offset, append }) || !create) await write(filesOf(journal, input.transaction))
  else {
    await atOnce(journal, { transaction: input.transaction, signal }, async (files) => {
      if ((await kindAt(files, at, signal)) === undefined)
        await files.write(at, new Uint8Array(), { parents: all, signal })
      await write(files)
    })
  }
}

function isWhole(input: { readonly offset?: number | undefined; readonly append: boolean }): boolean {
  return input.offset === undefined && !input.append
}
