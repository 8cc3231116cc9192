/** `fs.write-file`: a file of the tree whose content is in the input, for agents. */
import { contentFields, contentOf, operation } from '@ipfs-kit/operations'
import type { ChangeSlice } from './part.ts'
import { writeContent, writeInput, written } from './write.ts'

/** Writes. */
export const fsWriteFile = operation<ChangeSlice>()({
  name: 'fs.write-file',
  summary: 'Write at most 1 MiB to a file of the tree: the whole of it, at an offset, or at its end',
  parts: ['journal'],
  input: writeInput.safeExtend(contentFields),
  output: written,
  body: 'none',
  returns: 'value',
  effect: 'destructive',
  scope: 'content:write',
  doors: ['mcp-opt-in'],
  async run({ journal }, { text, base64, ...input }, { signal }) {
    const content = contentOf('fs.write-file', { text, base64 })
    await writeContent(journal, input, content, signal)
    return { path: input.path, bytes: content.byteLength }
  },
})
