import { lookUp, readFolder } from '@ipfs-kit/ipfs/unixfs'
import { decode, encode, type PBLink } from '@ipld/dag-pb'
import fc from 'fast-check'
import { UnixFS } from 'ipfs-unixfs'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { expect, it } from 'vitest'
import { cidOf } from './nodes.ts'
import { all, bytesOf } from './opened.ts'

const folder = cidOf(bytesOf('a folder'), 0x70)
const v1 = cidOf(bytesOf('v1'))
const cids = [
  v1,
  CID.createV0(create(0x12, v1.multihash.digest)),
  CID.createV1(0x0129, v1.multihash),
  CID.createV1(0x55, create(0x13, new Uint8Array(64))),
  CID.createV1(0x55, create(0, bytesOf('inline'))),
]
const directory = new UnixFS({ type: 'directory' }).marshal()

/** What the library says of a block; nothing if it is no plain folder for it. */
function entriesIn(bytes: Uint8Array): string[] | undefined {
  try {
    const { Data, Links } = decode(bytes)
    if (Data === undefined || UnixFS.unmarshal(Data).type !== 'directory') return undefined
    return Links.map(({ Hash, Name = '', Tsize = 0 }) => `${Name} ${Hash} ${Tsize}`)
  } catch {
    return undefined
  }
}

async function entriesRead(bytes: Uint8Array): Promise<string[] | undefined> {
  try {
    const entries = await all(readFolder(folder, async () => bytes))
    return entries.map(({ name, cid, size }) => `${name} ${cid} ${size}`)
  } catch (error) {
    expect(error).toMatchObject({ name: 'IpfsError' })
    return undefined
  }
}

const name = fc
  .oneof(fc.string({ maxLength: 12 }), fc.string({ unit: 'grapheme', maxLength: 4 }))
  // The library leaves away the mark of the order of bytes that a text may begin with.
  .filter((text) => !text.startsWith('\uFEFF'))
const links = fc.uniqueArray(
  fc
    .tuple(fc.constantFrom(...cids), name, fc.option(fc.oneof(fc.nat(), fc.maxSafeNat()), { nil: undefined }))
    .map(([Hash, Name, Tsize]): PBLink => ({ Hash, Name, ...(Tsize !== undefined && { Tsize }) })),
  { selector: ({ Name }) => Name, maxLength: 12 },
)

/** A block with links in any order; the library writes none in which they are in another than that of their names. */
function blockOf(of: readonly PBLink[], dataFirst = false): Uint8Array {
  const pieces = of.map((link) => encode({ Links: [link] }))
  const data = encode({ Data: directory, Links: [] })
  return Buffer.concat(dataFirst ? [data, ...pieces] : [...pieces, data])
}

it('an entry of a folder is what the library says, in every form in which a block can be', async () => {
  await fc.assert(
    fc.asyncProperty(links, fc.boolean(), fc.boolean(), async (given, isSorted, dataFirst) => {
      const bytes = blockOf(isSorted ? given.toSorted(byName) : given, dataFirst)
      expect(await entriesRead(bytes)).toEqual(entriesIn(bytes))
      for (const { Name = '', Hash, Tsize = 0 } of given) {
        const found = await lookUp(folder, Name, async () => bytes)
        expect(`${found?.cid} ${found?.dagBytes}`).toBe(`${Hash} ${Tsize}`)
      }
      expect(await lookUp(folder, 'there is no such name', async () => bytes)).toBeUndefined()
    }),
  )
})

it('a folder whose block is cut or changed anywhere is what the library says, or is refused', async () => {
  const Links = ['a', 'b', 'cc', '日本'].map((Name, at) => ({ Hash: cids[at % 2]!, Name, Tsize: 300 * at }))
  const whole = blockOf(Links)
  expect(await entriesRead(whole)).toHaveLength(4)
  for (let at = 0; at < whole.length; at += 1) {
    const cut = whole.slice(0, at)
    expect(await entriesRead(cut), `cut at ${at}`).toEqual(entriesIn(cut))
    for (const bits of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
      const changed = Uint8Array.from(whole)
      changed[at] = changed[at]! ^ bits
      expect(await entriesRead(changed), `${bits} at ${at}`).toEqual(entriesIn(changed))
    }
  }
})

it('a name is found in a folder whose links are in no order', async () => {
  const bytes = blockOf(['b', 'c', 'a'].map((Name) => ({ Hash: v1, Name, Tsize: 1 })))
  for (const one of ['a', 'b', 'c'])
    expect(String((await lookUp(folder, one, async () => bytes))?.cid)).toBe(String(v1))
})

function byName({ Name: left = '' }: PBLink, { Name: right = '' }: PBLink): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}
