/** `fs.read-file`: a range of a file of the tree, for agents. */
import { inlineContent, inlineFields, operation, rangeFields } from '@ipfs-kit/operations'
import { z } from 'zod'
import { path } from './fields.ts'
import { filesOf, type FilesSlice, transaction } from './part.ts'

/** Reads. */
export const fsReadFile = operation<FilesSlice<'readRange'>>()({
  name: 'fs.read-file',
  summary: 'Read a file of the tree, or a range of it, as text; what is binary as base64',
  parts: ['journal'],
  input: z.object({ path, ...rangeFields, transaction }),
  output: z.object({
    path: z.string(),
    cid: z.string().describe('of the file as it was read: while it is the same, so is the file'),
    ...inlineFields,
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['mcp-opt-in'],
  async run({ journal }, { path: from, offset, length, transaction: id }, { signal }) {
    const { cid, size, bytes } = await filesOf(journal, id).readRange(from, { offset, length, signal })
    const content = inlineContent(bytes, offset + bytes.byteLength >= size)
    return { path: from, cid: cid.toString(), size, offset, ...content }
  },
})
