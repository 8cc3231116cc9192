/** Names for the tree, what is different between two, and the way back. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBlocks } from '@ipfs-kit/blocks'
import { linksOf } from '@ipfs-kit/ipfs/unixfs'
import { type Journal, openJournal } from '@ipfs-kit/journal'

const path = await mkdtemp(join(tmpdir(), 'ipfs-kit-'))
let journal: Journal | undefined
const blocks = await openBlocks({
  path: join(path, 'blocks'),
  claims: () => journal?.claims() ?? [],
  retained: () => journal?.roots() ?? [],
  links: linksOf,
})
journal = await openJournal({ path: join(path, 'journal'), blocks })
await journal.write('/docs/plan.txt', Buffer.from('the plan'), { parents: true })
await journal.snapshot('monday')

await journal.mv('/docs/plan.txt', '/docs/old-plan.txt')
await journal.write('/docs/old-plan.txt', Buffer.from('nothing of it'))

const differences: string[] = []
for await (const { change, path: at } of journal.diff({ snapshot: 'monday' }, 'live')) {
  differences.push(`${change} ${at}`)
}
assert.deepEqual(differences.toSorted(), ['added /docs/old-plan.txt', 'removed /docs/plan.txt'])

// What is there now was there under another name.
const { versions } = await journal.history('/docs/old-plan.txt')
assert.equal(versions[0]?.snapshot, 'monday')
assert.equal(versions[0].path, '/docs/plan.txt')

await journal.restore({ snapshot: 'monday' }, { path: '/docs' })
const { entries } = await journal.ls('/docs')
assert.deepEqual(
  entries.map(({ name }) => name),
  ['plan.txt'],
)
// Until then the snapshot keeps its blocks, whatever becomes of the tree.
await journal.removeSnapshot('monday')

await journal.close()
await blocks.close()
await rm(path, { recursive: true })
