/** Operations on content archives. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { Car } from '../ipfs.ts'
import { cidPath, pinName } from './fields.ts'

type Slice<K extends keyof Car> = { readonly ipfs: { readonly car: Pick<Car, K> } }

/** Exports a DAG. */
export const carExport = operation<Slice<'export'>>()({
  name: 'car.export',
  summary: 'Export everything below a path as a content archive (CARv1)',
  parts: ['ipfs'],
  input: z.object({ cid: cidPath }),
  output: z.never(),
  body: 'none',
  returns: 'bytes',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  async run({ ipfs }, { cid }, { signal }) {
    return { mediaType: 'application/vnd.ipld.car', body: await ipfs.car.export(cid, { signal }) }
  },
})

/** Imports an archive. */
export const carImport = operation<Slice<'import'>>()({
  name: 'car.import',
  summary: 'Import a content archive: verify every block, check that its roots are whole, pin them',
  parts: ['ipfs'],
  input: z.object({ pin: z.boolean().default(true).describe('pin the roots'), name: pinName }),
  output: z.object({
    roots: z.array(z.string()),
    blocks: z.number().int().describe('blocks in the archive'),
    bytes: z.number().int().describe('bytes of these blocks'),
  }),
  body: 'bytes',
  returns: 'value',
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  doors: ['cli'],
  async run({ ipfs }, { pin, name }, { signal }, body) {
    const result = await ipfs.car.import(body, { pin, ...(name === undefined ? {} : { name }), signal })
    return { ...result, roots: result.roots.map((root) => root.toString()) }
  },
})
