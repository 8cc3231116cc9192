/** Operations on files and folders. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { Files } from '../ipfs.ts'
import { cidPath, pinName, profile } from './fields.ts'

type Slice<K extends keyof Files> = { readonly ipfs: { readonly files: Pick<Files, K> } }

const added = z.strictObject({ path: z.string(), cid: z.string(), bytes: z.number().int() })
const failed = z.strictObject({
  path: z.string(),
  failed: z.object({ code: z.string(), message: z.string() }),
})
const summary = z.strictObject({
  cid: z.string().optional().describe('root of what was added; absent when every item failed'),
  bytes: z.number().int().describe('bytes of content'),
  items: z.number().int().describe('files and folders added'),
  failed: z.number().int().describe('items that were not added'),
})

/** Adds files. */
export const filesAdd = operation<Slice<'add'>>()({
  name: 'files.add',
  summary: 'Add files and folders and pin their root',
  parts: ['ipfs'],
  input: z.object({
    profile,
    wrap: z
      .boolean()
      .default(false)
      .describe('put what is added into one more folder; always so for several paths'),
    pin: z
      .boolean()
      .default(true)
      .describe('pin the root; without a pin it goes with the next garbage collection'),
    name: pinName,
  }),
  output: z.union([summary, failed, added]),
  body: 'files',
  returns: 'lines',
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  doors: ['cli'],
  command: { name: 'add', arguments: [] },
  text: (line) => {
    if ('items' in line) return line.cid === undefined ? undefined : `${line.cid}`
    return 'failed' in line
      ? `failed  ${line.path}  ${line.failed.message}`
      : `added   ${line.cid}  ${line.path}`
  },
  async *run({ ipfs }, input, { signal, progress }, body) {
    const { name, ...rest } = input
    const onProgress = ({ bytes, items }: { bytes: number; items: number }): void =>
      progress({ stage: 'adding', bytes, items })
    for await (const line of ipfs.files.add(body, {
      ...rest,
      ...(name === undefined ? {} : { name }),
      signal,
      onProgress,
    })) {
      if ('items' in line) yield { ...line, cid: line.cid?.toString() }
      else yield 'failed' in line ? line : { ...line, cid: line.cid.toString() }
    }
  },
})

/** Reads a file. */
export const filesCat = operation<Slice<'cat'>>()({
  name: 'files.cat',
  summary: 'Read a file, or a range of it',
  parts: ['ipfs'],
  input: z.object({
    cid: cidPath,
    offset: z.number().int().optional().describe('first byte; negative counts from the end'),
    length: z.number().int().min(0).optional().describe('number of bytes; default to the end'),
  }),
  output: z.never(),
  body: 'none',
  returns: 'bytes',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  command: { name: 'cat' },
  async run({ ipfs }, { cid, offset, length }, { signal }) {
    const range = { ...(offset === undefined ? {} : { offset }), ...(length === undefined ? {} : { length }) }
    const content = await ipfs.files.cat(cid, { ...range, signal })
    return { mediaType: 'application/octet-stream', size: content.length, body: content.body }
  },
})

/** Archives a file or folder. */
export const filesGet = operation<Slice<'tar'>>()({
  name: 'files.get',
  summary: 'Get a file or folder as a tar archive; the command unpacks it',
  parts: ['ipfs'],
  input: z.object({ cid: cidPath }),
  output: z.never(),
  body: 'none',
  returns: 'bytes',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  command: { name: 'get' },
  async run({ ipfs }, { cid }, { signal }) {
    return { mediaType: 'application/x-tar', body: await ipfs.files.tar(cid, { signal }) }
  },
})

/** Lists a folder. */
export const filesLs = operation<Slice<'ls'>>()({
  name: 'files.ls',
  summary: 'List the entries of a folder',
  parts: ['ipfs'],
  input: z.object({ cid: cidPath }),
  output: z.strictObject({
    name: z.string(),
    cid: z.string(),
    size: z.number().int().describe("bytes of the entry's DAG as its link states it"),
  }),
  body: 'none',
  returns: 'lines',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  command: { name: 'ls' },
  text: ({ name, cid, size }) => `${cid}  ${String(size).padStart(12)}  ${name}`,
  async *run({ ipfs }, { cid }, { signal }) {
    for await (const entry of ipfs.files.ls(cid, { signal })) yield { ...entry, cid: entry.cid.toString() }
  },
})

/** Describes what a path leads to. */
export const filesStat = operation<Slice<'stat'>>()({
  name: 'files.stat',
  summary: 'Describe the file, folder or node that a path leads to',
  parts: ['ipfs'],
  input: z.object({ cid: cidPath }),
  output: z.object({
    cid: z.string(),
    type: z.enum(['file', 'directory', 'node']),
    size: z
      .number()
      .int()
      .describe('bytes of the file, of all entries of the folder, or of the block of the node'),
    dagSize: z.number().int().describe('bytes of all blocks as the links state it'),
    mode: z.number().int().optional().describe('permission bits'),
    mtimeSeconds: z.number().optional().describe('seconds since the epoch'),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  command: { name: 'stat' },
  async run({ ipfs }, { cid }, { signal }) {
    const stat = await ipfs.files.stat(cid, { signal })
    return { ...stat, cid: stat.cid.toString() }
  },
})
