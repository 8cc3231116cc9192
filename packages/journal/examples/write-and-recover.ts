import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBlocks } from '@ipfs-kit/blocks'
import { linksOf } from '@ipfs-kit/ipfs/unixfs'
import { type Journal, openJournal } from '@ipfs-kit/journal'

const path = await mkdtemp(join(tmpdir(), 'ipfs-kit-'))

// The block store keeps what the journal has: its roots, and what they link to.
let journal: Journal | undefined
const blocks = await openBlocks({
  path: join(path, 'blocks'),
  claims: () => journal?.claims() ?? [],
  retained: () => journal?.roots() ?? [],
  links: linksOf,
})
journal = await openJournal({ path: join(path, 'journal'), blocks })

// What is answered survives a power loss.
await journal.write('/notes/today.txt', Buffer.from('hello world'), { parents: true })
await journal.append('/notes/today.txt', Buffer.from('!'))
await journal.cp('/notes', '/archive')
await journal.mv('/notes/today.txt', '/notes/yesterday.txt')

const { entries } = await journal.ls('/notes')
assert.deepEqual(
  entries.map(({ name }) => name),
  ['yesterday.txt'],
)

// An opening goes on from the last checkpoint, and does again what came after it.
const { cid } = await journal.checkpoint()
await journal.rm('/archive', { recursive: true })
await journal.close()
journal = await openJournal({ path: join(path, 'journal'), blocks })
assert.equal(String(journal.recovery.checkpoint?.cid), String(cid))
assert.equal(journal.recovery.changes, 1)
assert.equal((await journal.ls('/')).entries.length, 1)

await journal.close()
await blocks.close()
await rm(path, { recursive: true })
