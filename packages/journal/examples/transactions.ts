/** Changes that are made all or none, tried again when somebody else has changed what they had used. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBlocks } from '@ipfs-kit/blocks'
import { linksOf } from '@ipfs-kit/ipfs/unixfs'
import { type Journal, JournalError, openJournal } from '@ipfs-kit/journal'

const path = await mkdtemp(join(tmpdir(), 'ipfs-kit-'))
let journal: Journal | undefined
const blocks = await openBlocks({
  path: join(path, 'blocks'),
  claims: () => journal?.claims() ?? [],
  retained: () => journal?.roots() ?? [],
  links: linksOf,
})
journal = await openJournal({ path: join(path, 'journal'), blocks })
await journal.write('/site/index.html', Buffer.from('old'), { parents: true })
await journal.write('/staging/index.html', Buffer.from('new'), { parents: true })

for (;;) {
  await using transaction = journal.begin({ name: 'publish' })
  try {
    await transaction.mv('/site', '/old')
    await transaction.mv('/staging', '/site')
    // Nobody else has seen any of it so far.
    await transaction.commit()
    break
  } catch (error) {
    if (!(error instanceof JournalError && error.code === 'JOURNAL_CONFLICT')) throw error
  }
}

const { entries } = await journal.ls('/')
assert.deepEqual(
  entries.map(({ name }) => name),
  ['old', 'site'],
)

await journal.close()
await blocks.close()
await rm(path, { recursive: true })
