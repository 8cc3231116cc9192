/** Operations on pins. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { parseContentPath } from '../content-path.ts'
import type { Files } from '../ipfs.ts'
import type { OwnPins, Pin } from '../pins.ts'
import { cidPath, pinName } from './fields.ts'

type Slice<K extends keyof OwnPins> = {
  readonly ipfs: { readonly pins: Pick<OwnPins, K>; readonly files: Pick<Files, 'resolve'> }
}

const pin = z.object({
  cid: z.string(),
  type: z.enum(['recursive', 'direct']).describe('whether what lies below is kept too'),
  name: z.string().optional(),
})

/** Pins what is here. */
export const pinsAdd = operation<Slice<'add' | 'get'>>()({
  name: 'pins.add',
  summary: 'Pin content that is here, so that garbage collection keeps it',
  parts: ['ipfs'],
  input: z.object({
    cid: cidPath,
    recursive: z.boolean().default(true).describe('keep everything below it too'),
    name: pinName,
  }),
  output: pin,
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'pins',
  idempotent: true,
  doors: ['cli'],
  command: { name: 'pin add' },
  text: ({ cid, type }) => `pinned  ${cid}  ${type}`,
  async run({ ipfs }, input, { signal, progress }) {
    const cid = await ipfs.files.resolve(input.cid, { signal })
    const depth = input.recursive ? Number.POSITIVE_INFINITY : 0
    const metadata = input.name === undefined ? {} : { name: input.name }
    let items = 0
    for await (const _ of ipfs.pins.add(cid, { depth, metadata, signal }))
      progress({ stage: 'pinning', bytes: 0, items: ++items })
    return shown(await ipfs.pins.get(cid, { signal }))
  },
})

/** What {@link pinsAdd} needs of an input: all is below the CID that its path begins with. @throws IpfsError IPFS_INVALID_CID, IPFS_INVALID_PATH */
export function cidsToPin({ cid }: { readonly cid: string }): readonly string[] {
  return [parseContentPath(cid).cid.toString()]
}

/** Unpins. */
export const pinsRm = operation<Slice<'rm'>>()({
  name: 'pins.rm',
  summary: 'Remove a pin; what nothing else keeps goes with the next garbage collection',
  parts: ['ipfs'],
  input: z.object({ cid: cidPath }),
  output: z.object({ cid: z.string() }),
  body: 'none',
  returns: 'value',
  effect: 'destructive',
  scope: 'pins',
  doors: ['cli'],
  command: { name: 'pin rm' },
  text: ({ cid }) => `unpinned  ${cid}`,
  async run({ ipfs }, input, { signal }) {
    const cid = await ipfs.files.resolve(input.cid, { signal })
    for await (const _ of ipfs.pins.rm(cid, { signal }));
    return { cid: cid.toString() }
  },
})

/** Lists pins. */
export const pinsLs = operation<Slice<'ls'>>()({
  name: 'pins.ls',
  summary: 'List the pins',
  parts: ['ipfs'],
  input: z.object({}),
  output: pin,
  body: 'none',
  returns: 'lines',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  command: { name: 'pin ls' },
  text: ({ cid, type, name }) => [cid, type, ...(name === undefined ? [] : [name])].join('  '),
  async *run({ ipfs }, _input, { signal }) {
    for await (const found of ipfs.pins.ls({ signal })) yield shown(found)
  },
})

function shown({ cid, depth, metadata }: Pin): z.output<typeof pin> {
  const name = metadata['name']
  return {
    cid: cid.toString(),
    type: depth === 0 ? 'direct' : 'recursive',
    ...(typeof name === 'string' ? { name } : {}),
  }
}
