/** `fs.cp`, `fs.put`, `fs.export`: between the tree and content that has a CID. */
import type { Ipfs } from '@ipfs-kit/ipfs'
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { targetOf } from '../path.ts'
import { type Content, contentPath, done, parents, path, silent, to } from './fields.ts'
import { filesOf, type FilesSlice, type JournalSlice, transaction } from './part.ts'

const common = {
  parts: ['journal', 'ipfs'],
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'content:write',
  doors: ['cli', 'mcp-opt-in'],
} as const

/** Copies. */
export const fsCp = operation<FilesSlice<'cp' | 'put'> & Content>()({
  ...common,
  name: 'fs.cp',
  summary: 'Copy a file or a folder of the tree, or content from /ipfs/<cid>; no bytes are copied',
  input: z.object({
    from: path.describe('path in the tree, such as /notes, or /ipfs/<cid> with an optional path below it'),
    to,
    parents,
    transaction,
  }),
  output: done,
  text: silent,
  async run({ journal, ipfs }, { from, to: given, ...input }, { signal }) {
    const target = targetOf(given, from)
    const files = filesOf(journal, input.transaction)
    const options = { parents: input.parents, signal }
    if (from.startsWith('/ipfs/'))
      await files.put(target, await ipfs.files.resolve(from, { signal }), options)
    else await files.cp(from, target, options)
    return { path: target }
  },
})

/** Imports. */
export const fsPut = operation<FilesSlice<'put'> & Content>()({
  ...common,
  name: 'fs.put',
  summary: 'Put content that has a CID at a path of the tree; all of it has to be here, and is kept',
  input: z.object({
    path,
    cid: contentPath,
    parents,
    transaction,
  }),
  output: z.object({ path: z.string(), cid: z.string() }),
  text: ({ cid }) => cid,
  async run({ journal, ipfs }, { path: at, ...input }, { signal }) {
    const cid = await ipfs.files.resolve(input.cid, { signal })
    await filesOf(journal, input.transaction).put(at, cid, { parents: input.parents, signal })
    return { path: at, cid: cid.toString() }
  },
})

/** Exports. */
export const fsExport = operation<
  JournalSlice<'flush'> & { readonly ipfs: { readonly pins: Pick<Ipfs['pins'], 'add'> } }
>()({
  ...common,
  name: 'fs.export',
  summary:
    'Give the CID of what is at a path and pin it, whatever becomes of the path; get, car export and the gateway take it',
  input: z.object({
    path: path.default('/'),
    name: z.string().min(1).max(255).optional().describe('name of the pin'),
  }),
  output: z.object({ path: z.string(), cid: z.string() }),
  idempotent: true,
  command: { name: 'fs export', arguments: ['path'] },
  text: ({ cid }) => cid,
  async run({ journal, ipfs }, { path: at, name }, { signal, progress }) {
    const cid = await journal.flush(at, { signal })
    let items = 0
    for await (const _ of ipfs.pins.add(cid, { metadata: name === undefined ? {} : { name }, signal }))
      progress({ stage: 'pinning', bytes: 0, items: ++items })
    return { path: at, cid: cid.toString() }
  },
})
