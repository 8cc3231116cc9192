import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKit } from '@ipfs-kit/kit'

const folder = await mkdtemp(join(tmpdir(), 'ipfs-kit-example-'))
const kit = await openKit({ home: folder, role: 'server' })
const read = async (path: string): Promise<string> => {
  const { body } = await kit.call('fs.read', { path })
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

// What is answered survives a power loss, and no collection takes it.
await kit.call('fs.write', { path: '/site/index.html', parents: true }, { body: Buffer.from('one') })
await kit.call('fs.snapshot', { name: 'released' })

// Changes that others see at once, or not at all.
const { id } = await kit.call('journal.begin', {})
await kit.call('fs.write', { path: '/site/index.html', transaction: id }, { body: Buffer.from('two') })
await kit.call('fs.cp', { from: '/site/index.html', to: '/site/copy.html', transaction: id })
assert.equal(await read('/site/index.html'), 'one')
await kit.call('journal.commit', { id })
assert.equal(await read('/site/copy.html'), 'two')

// The folder has a CID, under which the gateway and other nodes have it.
const { cid } = await kit.call('fs.export', { path: '/site' })
assert.equal((await kit.call('files.stat', { cid })).type, 'directory')

// What was there under a name comes back.
await kit.call('fs.restore', { from: 'released' })
assert.equal(await read('/site/index.html'), 'one')

await kit.close()
await rm(folder, { recursive: true })
