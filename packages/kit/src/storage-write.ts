/** Operations with which agents store a file and decide what is kept. */
import type { Ipfs, PinMetadata } from '@ipfs-kit/ipfs'
import { contentFields, contentOf, isFault, operation, OperationError } from '@ipfs-kit/operations'
import { z } from 'zod'
import { addressSchema } from './storage-list.ts'

/** `storage.write` */
export const storageWrite = operation<{ readonly ipfs: { readonly files: Pick<Ipfs['files'], 'add'> } }>()({
  name: 'storage.write',
  summary: 'Store a file of at most 1 MiB and keep it',
  parts: ['ipfs'],
  input: z.object({
    name: z.string().min(1).max(255).describe('File name, or a relative path such as notes/today.md'),
    ...contentFields,
    pin: z.boolean().default(true).describe('Keep it. Without a pin the next garbage collection removes it'),
  }),
  output: z.object({
    address: z.string().describe('Address of the file, for storage_read'),
    cid: z.string().describe('CID of what was stored: the file, or the first folder of its path'),
    bytes: z.number().describe('Bytes of the file'),
  }),
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  doors: ['mcp'],
  run: async ({ ipfs }, input, { signal }) => {
    const content = contentOf('storage.write', input)
    const entry = { path: input.name, content }
    let root: string | undefined
    for await (const item of ipfs.files.add([entry], { pin: input.pin, name: input.name, signal })) {
      if ('items' in item) root = item.cid?.toString()
      else if ('failed' in item) {
        // The content is here already: only the name can be refused.
        throw new OperationError('OPERATION_INVALID_INPUT', `storage.write: name: ${item.failed.message}`)
      }
    }
    if (root === undefined) throw new Error(`Adding ${JSON.stringify(input.name)} gave no root`)
    const below = input.name.split('/').slice(1)
    return { address: ['/ipfs', root, ...below].join('/'), cid: root, bytes: content.byteLength }
  },
})

/** `pin.set` */
export const pinSet = operation<{
  readonly ipfs: {
    readonly files: Pick<Ipfs['files'], 'resolve'>
    readonly pins: Pick<Ipfs['pins'], 'add' | 'rm' | 'ls'>
  }
}>()({
  name: 'pin.set',
  summary: 'Keep what an address leads to with all that is below it, or stop keeping it',
  parts: ['ipfs'],
  input: z.object({
    address: addressSchema,
    pinned: z.boolean().describe('true: keep it; false: the next garbage collection may remove it'),
    name: z.string().max(255).optional().describe('Name of the pin. Default: the name that it has'),
  }),
  output: z.object({
    cid: z.string().describe('CID of the pinned or unpinned root'),
    pinned: z.boolean(),
  }),
  body: 'none',
  returns: 'value',
  effect: 'destructive',
  scope: 'pins',
  idempotent: true,
  doors: ['mcp'],
  run: async ({ ipfs }, input, { signal, progress }) => {
    const cid = await ipfs.files.resolve(input.address, { signal })
    const answer = { cid: cid.toString(), pinned: input.pinned }
    if (!input.pinned) {
      try {
        for await (const _root of ipfs.pins.rm(cid, { signal })) progress({ stage: 'unpinning', bytes: 0 })
      } catch (error) {
        // It is not pinned: what was asked for is so already.
        if (!isFault(error) || error.code !== 'IPFS_PIN_NOT_FOUND') throw error
      }
      return answer
    }
    let metadata: PinMetadata = {}
    for await (const known of ipfs.pins.ls({ cid, signal })) metadata = known.metadata
    if (input.name !== undefined) metadata = { ...metadata, name: input.name }
    let items = 0
    for await (const _block of ipfs.pins.add(cid, { metadata, signal })) {
      items += 1
      progress({ stage: 'pinning', bytes: 0, items })
    }
    return answer
  },
})
