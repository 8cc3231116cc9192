/** Operations on single blocks. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { Blocks } from '../ipfs.ts'
import { collect, maxNodeBytes, once } from './collect.ts'
import { cid, codec } from './fields.ts'

type Slice<K extends keyof Blocks> = { readonly ipfs: { readonly blocks: Pick<Blocks, K> } }

/** Reads a block. */
export const blockGet = operation<Slice<'get'>>()({
  name: 'block.get',
  summary: 'Read the bytes of a block',
  parts: ['ipfs'],
  input: z.object({ cid }),
  output: z.never(),
  body: 'none',
  returns: 'bytes',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  async run({ ipfs }, input, { signal }) {
    const bytes = await ipfs.blocks.get(input.cid, { signal })
    return { mediaType: 'application/vnd.ipld.raw', size: bytes.byteLength, body: once(bytes) }
  },
})

/** Stores a block. */
export const blockPut = operation<Slice<'put'>>()({
  name: 'block.put',
  summary: 'Store bytes as one block',
  parts: ['ipfs'],
  input: z.object({
    codec: codec.default('raw').describe('codec of the bytes'),
    pin: z.boolean().default(false).describe('pin it; what it links to must then be here'),
  }),
  output: z.object({ cid: z.string(), size: z.number().int() }),
  body: 'bytes',
  maxBodyBytes: maxNodeBytes,
  returns: 'value',
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  doors: ['cli'],
  text: (block) => block.cid,
  async run({ ipfs }, input, { signal }, body) {
    const bytes = await collect(body)
    const stored = await ipfs.blocks.put(bytes, { ...input, signal })
    return { cid: stored.toString(), size: bytes.byteLength }
  },
})

/** Describes a block. */
export const blockStat = operation<Slice<'stat'>>()({
  name: 'block.stat',
  summary: 'Tell the size of a block',
  parts: ['ipfs'],
  input: z.object({ cid }),
  output: z.object({ cid: z.string(), size: z.number().int() }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  async run({ ipfs }, input, { signal }) {
    const stat = await ipfs.blocks.stat(input.cid, { signal })
    return { cid: stat.cid.toString(), size: stat.size }
  },
})
