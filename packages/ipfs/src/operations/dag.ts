/** Operations on IPLD nodes. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { Dag } from '../ipfs.ts'
import { collect, maxNodeBytes, once } from './collect.ts'
import { cidPath, codec } from './fields.ts'

type Slice<K extends keyof Dag> = { readonly ipfs: { readonly dag: Pick<Dag, K> } }

/** Reads a node. */
export const dagGet = operation<Slice<'get'>>()({
  name: 'dag.get',
  summary: 'Read an IPLD node, or a value inside it',
  parts: ['ipfs'],
  input: z.object({ cid: cidPath, codec: codec.default('dag-json').describe('codec of the answer') }),
  output: z.never(),
  body: 'none',
  returns: 'bytes',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  async run({ ipfs }, { cid, codec: outputCodec }, { signal }) {
    const { value } = await ipfs.dag.get(cid, { signal })
    const { encodeValue } = await loadCodecs()
    const bytes = encodeValue(outputCodec, value)
    return { mediaType: `application/vnd.ipld.${outputCodec}`, size: bytes.byteLength, body: once(bytes) }
  },
})

/** Stores a node. */
export const dagPut = operation<Slice<'put'>>()({
  name: 'dag.put',
  summary: 'Store an IPLD node',
  parts: ['ipfs'],
  input: z.object({
    inputCodec: codec.default('dag-json').describe('codec of the body'),
    codec: codec.default('dag-cbor').describe('codec to store it in'),
    pin: z.boolean().default(false).describe('pin it; what it links to must then be here'),
  }),
  output: z.object({ cid: z.string() }),
  body: 'bytes',
  maxBodyBytes: maxNodeBytes,
  returns: 'value',
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  doors: ['cli'],
  text: ({ cid }) => cid,
  async run({ ipfs }, { inputCodec, codec: storeCodec, pin }, { signal }, body) {
    const bytes = await collect(body)
    const { decodeValue } = await loadCodecs()
    const value = decodeValue(inputCodec, bytes)
    return { cid: (await ipfs.dag.put(value, { codec: storeCodec, pin, signal })).toString() }
  },
})

/** Codecs, and the block store with them: who only reads this table, as a command does, does not load them. */
function loadCodecs(): Promise<typeof import('../codecs.ts')> {
  return import('../codecs.ts')
}
