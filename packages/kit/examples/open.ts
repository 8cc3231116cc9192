import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKit } from '@ipfs-kit/kit'

const folder = await mkdtemp(join(tmpdir(), 'ipfs-kit-example-'))
const kit = await openKit({ home: folder, role: 'command' })

// Add a file: the last line of the answer has the CID of the root.
const files = [{ path: 'hello.txt', content: Buffer.from('hello') }]
let cid = ''
for await (const line of await kit.call('files.add', {}, { body: files })) {
  if ('items' in line) cid = line.cid ?? ''
}

// Read it back.
const { body } = await kit.call('files.cat', { cid })
const chunks: Uint8Array[] = []
for await (const chunk of body) chunks.push(chunk)
assert.equal(Buffer.concat(chunks).toString(), 'hello')

const status = await kit.call('node.status', {})
assert.deepEqual(status.parts, [{ name: 'ipfs', state: 'running' }])

await kit.close()
await rm(folder, { recursive: true })
