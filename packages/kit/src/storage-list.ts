/** Operations for agents that look around: what is kept, what a folder holds, what an address leads to. */
import type { Ipfs } from '@ipfs-kit/ipfs'
import { isFault, operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { addressOf, entryAddress } from './content-address.ts'

/** The codec of a CID whose block is the bytes of a file. */
const rawCodec = 0x55

/** An address that content can have. */
export const addressSchema = z
  .string()
  .min(1)
  .describe('Address of the content: <cid>, <cid>/folder/file, /ipfs/<cid>/… or ipfs://<cid>/…')

const typeSchema = z
  .enum(['file', 'directory', 'node'])
  .describe('file, directory, or node for data that is neither')

const entrySchema = z.object({
  name: z.string().describe('Name of the entry; of a pinned root the name of its pin, else its CID'),
  address: z.string().describe('Address for storage_list, storage_stat and storage_read'),
  type: typeSchema.optional(),
  size: z.number().describe('Bytes of the file, or of the content of the folder'),
  failed: z.string().optional().describe('Code of the error that kept its type from being read'),
})

type Entry = z.output<typeof entrySchema>
type Reading = {
  readonly ipfs: {
    readonly files: Pick<Ipfs['files'], 'ls' | 'stat'>
    readonly pins: Pick<Ipfs['pins'], 'ls'>
  }
}

/** `storage.list` */
export const storageList = operation<Reading>()({
  name: 'storage.list',
  summary: 'List the entries of a folder, or the pinned roots when no address is given',
  parts: ['ipfs'],
  input: z.object({
    address: addressSchema.optional(),
    limit: z.int().min(1).max(1000).default(100).describe('How many entries at most'),
    cursor: z
      .string()
      .regex(/^[0-9]{1,15}$/)
      .optional()
      .describe('The cursor of the answer before, for the entries after it'),
  }),
  output: z.object({
    entries: z.array(entrySchema),
    cursor: z.string().optional().describe('Where to go on; absent when that was all'),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['mcp'],
  run: async ({ ipfs }, input, { signal }) => {
    const offset = Number(input.cursor ?? 0)
    const found = input.address === undefined ? pinned(ipfs, signal) : inFolder(ipfs, input.address, signal)
    const entries: Entry[] = []
    let position = 0
    for await (const candidate of found) {
      position += 1
      if (position <= offset) continue
      if (entries.length === input.limit) return { entries, cursor: String(position - 1) }
      entries.push(await describe(ipfs, candidate, signal))
    }
    return { entries }
  },
})

/** `storage.stat` */
export const storageStat = operation<{ readonly ipfs: { readonly files: Pick<Ipfs['files'], 'stat'> } }>()({
  name: 'storage.stat',
  summary: 'Tell what an address leads to: type, size and CID',
  parts: ['ipfs'],
  input: z.object({ address: addressSchema }),
  output: z.object({
    address: z.string().describe('The address in the form /ipfs/<cid>/…'),
    cid: z.string().describe('CID of the content itself'),
    type: typeSchema,
    size: z.number().describe('Bytes of the file, or of the content of the folder'),
    dagSize: z.number().describe('Bytes with all blocks'),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['mcp'],
  run: async ({ ipfs }, input, { signal }) => {
    const { cid, type, size, dagSize } = await ipfs.files.stat(input.address, { signal })
    return { address: addressOf(input.address), cid: cid.toString(), type, size, dagSize }
  },
})

/** An entry before its type is known. */
interface Candidate {
  readonly name: string
  readonly address: string
  readonly cid: { readonly code: number; toString(): string }
  readonly linkSize: number
}

async function* pinned(ipfs: Reading['ipfs'], signal: AbortSignal): AsyncGenerator<Candidate> {
  for await (const { cid, metadata } of ipfs.pins.ls({ signal })) {
    const name = typeof metadata.name === 'string' ? metadata.name : cid.toString()
    yield { name, address: `/ipfs/${cid.toString()}`, cid, linkSize: 0 }
  }
}

async function* inFolder(
  ipfs: Reading['ipfs'],
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Candidate> {
  for await (const { name, cid, size } of ipfs.files.ls(path, { signal })) {
    yield { name, address: entryAddress(addressOf(path), name, cid.toString()), cid, linkSize: size }
  }
}

/** One entry that cannot be read does not hide the others. */
async function describe(ipfs: Reading['ipfs'], candidate: Candidate, signal: AbortSignal): Promise<Entry> {
  const { name, address, cid, linkSize } = candidate
  if (cid.code === rawCodec && linkSize > 0) return { name, address, type: 'file', size: linkSize }
  try {
    const { type, size } = await ipfs.files.stat(cid.toString(), { signal })
    return { name, address, type, size }
  } catch (error) {
    if (signal.aborted || !isFault(error)) throw error
    return { name, address, size: linkSize, failed: error.code }
  }
}
