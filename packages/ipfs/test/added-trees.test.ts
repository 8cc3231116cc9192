import type { AddEntry, Ipfs } from '@ipfs-kit/ipfs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { added, opened, pattern } from './opened.ts'
import { peerCids } from './peer.ts'

const chunkBytes = 16

/** A file by its size, or a folder. */
type Tree = number | { readonly [name: string]: Tree }

/** Sizes around one chunk and two. More chunks are the matter of cids.test.ts. */
const sizes = fc.constantFrom(0, 1, 15, 16, 17, 31, 32, 33)

/** Names whose order differs between UTF-8 and UTF-16, that begin like others, and that objects inherit. */
const names = fc
  .oneof(
    fc.constantFrom(
      'a',
      'A',
      'a b',
      'aa',
      '0',
      '10',
      '9',
      'é',
      'e\u0301',
      '日本',
      '\uffee',
      '🙂',
      '🙂a',
      '\u{10ffff}',
    ),
    fc.constantFrom('__proto__x', 'constructor', 'toString', '...', '\\x', '-', '%2f', '\u007f', '\ue000'),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  )
  .filter((name) => !/[/\0]|\\$|^\.\.?$/.test(name) && name.isWellFormed())

const { folder } = fc.letrec<{ folder: { [name: string]: Tree }; tree: Tree }>((tie) => ({
  folder: fc.dictionary(names, tie('tree'), { maxKeys: 6, noNullPrototype: true }),
  tree: fc.oneof({ maxDepth: 6, depthSize: 'small' }, sizes, tie('folder')) as fc.Arbitrary<Tree>,
}))

/** Folders that have no entries are entries themselves. */
function* entriesOf(tree: Tree, path: string): Generator<AddEntry> {
  if (typeof tree === 'number') {
    yield { path, content: pattern(tree, tree + path.length) }
    return
  }
  const inner = Object.entries(tree)
  if (inner.length === 0) yield { path }
  for (const [name, child] of inner) yield* entriesOf(child, `${path}/${name}`)
}

/** Each second content as a stream of pieces of so many bytes. */
function streamed(entries: readonly AddEntry[], pieceBytes: number): AddEntry[] {
  return entries.map(({ path, content }, at): AddEntry => {
    if (!(content instanceof Uint8Array)) return { path }
    return { path, content: at % 2 === 0 ? content : pieces(content, pieceBytes) }
  })
}

async function* pieces(bytes: Uint8Array, pieceBytes: number) {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

async function expectPeers(
  ipfs: Ipfs,
  entries: readonly AddEntry[],
  given: readonly AddEntry[],
  options: Parameters<typeof peerCids>[1],
) {
  const peers = await peerCids(entries, options)
  const { items, failures, cid } = await added(ipfs, given, { ...options, pin: false })
  expect(failures).toEqual([])
  const cids = new Map(items.map((item) => [item.path, item.cid.toString()]))
  // The importer does not answer with all folders.
  const different = [...peers].filter(([path, peer]) => cids.get(path) !== peer.toString())
  expect(different.map(([path]) => path)).toEqual([])
  const paths = entries.flatMap(({ path }) => {
    const all = path.split('/')
    return all.map((_, at) => all.slice(0, at + 1).join('/'))
  })
  expect(items.map((item) => item.path).toSorted()).toEqual([...new Set(paths)].toSorted())
  expect(cid.toString()).toBe([...peers.values()].at(-1)?.toString())
}

describe.each([{ profile: 'unixfs-v1-2025' }, { profile: 'unixfs-v0-2015' }] as const)(
  '$profile',
  ({ profile }) => {
    it('gives any tree, its entries in any order, the CIDs that the importer gives it', async () => {
      const { ipfs } = await opened()
      const trees = fc.record({
        folder: folder.filter((tree) => Object.keys(tree).length > 0),
        order: fc.infiniteStream(fc.nat()),
        pieceBytes: fc.integer({ min: 1, max: 40 }),
      })
      await fc.assert(
        fc.asyncProperty(trees, async ({ folder: tree, order, pieceBytes }) => {
          const entries = [...entriesOf(tree, 'top')]
            .map((entry) => ({ entry, at: order.next().value as number }))
            .sort((left, right) => left.at - right.at)
            .map(({ entry }) => entry)
          await expectPeers(ipfs, entries, streamed(entries, pieceBytes), { profile, chunkBytes })
        }),
        { numRuns: 40 },
      )
    })

    it('makes a folder of any entries a HAMT where the importer does', async () => {
      const { ipfs } = await opened()
      const perLink = profile === 'unixfs-v1-2025' ? 46 : 34
      const folders = fc.record({
        nameBytes: fc.integer({ min: 700, max: 2000 }),
        /** Entries more than fit by the mean, which the sizes and subfolders blur. */
        more: fc.integer({ min: -6, max: 6 }),
        emptyFolders: fc.nat({ max: 3 }),
        filledFolders: fc.nat({ max: 3 }),
        refilled: fc.boolean(),
      })
      await fc.assert(
        fc.asyncProperty(folders, async ({ nameBytes, more, emptyFolders, filledFolders, refilled }) => {
          const name = (kind: string, at: number) => `top/${`${kind}${at}é`.padEnd(nameBytes - 1, '-')}`
          const count = Math.floor(262_144 / (nameBytes + perLink)) + more
          const numbered = (most: number) => Array.from({ length: most }, (_, at) => at)
          const entries: AddEntry[] = [
            ...numbered(emptyFolders).map((at) => ({ path: name('empty', at) })),
            ...numbered(filledFolders).flatMap((at): AddEntry[] => [
              // The empty folder counts until something is in it.
              ...(refilled ? [{ path: name('filled', at) }] : []),
              { path: `${name('filled', at)}/inner`, content: pattern(at) },
            ]),
            ...numbered(count).map((at) => ({ path: name('file', at), content: pattern(at * 3) })),
          ]
          await expectPeers(ipfs, entries, entries, { profile, chunkBytes: 4096 })
        }),
        { numRuns: 20 },
      )
    })
  },
)

it('keeps all entries of a HAMT folder whose subfolders get more after it became one', async () => {
  const { ipfs } = await opened()
  const names = Array.from({ length: 300 }, (_, at) => `${at}`.padEnd(1000, '-'))
  const { cid } = await added(ipfs, [
    { path: 'top/sub/early', content: pattern(1) },
    ...names.map((name) => ({ path: `top/${name}`, content: pattern(1) })),
    { path: 'top/sub/late', content: pattern(1) },
  ])
  const listed: string[] = []
  for await (const { name } of ipfs.files.ls(cid.toString())) listed.push(name)
  expect(listed.sort()).toEqual([...names, 'sub'].sort())
  expect((await ipfs.files.resolve(`${cid}/sub/late`)).toString()).toMatch(/^b/)
})

it('adds folders of 2,000 levels', async () => {
  const { ipfs } = await opened()
  const path = Array.from({ length: 2000 }, () => 'd').join('/')
  const { items, summary } = await added(ipfs, [{ path: `${path}/leaf`, content: pattern(3) }])
  expect(summary).toMatchObject({ items: 2001, bytes: 3 })
  expect(items.at(-1)?.path).toBe('d')
})
