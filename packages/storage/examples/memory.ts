import assert from 'node:assert/strict'
import { createAddresses, createMemoryBackend, memoryScheme } from '@ipfs-kit/storage'

const scratch = createMemoryBackend({ name: 'scratch', maxBytes: 1024 * 1024 })

const addresses = createAddresses([memoryScheme])
const { key } = addresses.parse('mem://scratch/notes/first%20one.txt')
await scratch.put(key, new TextEncoder().encode('What is kept here is gone with the process.'))

const found = await scratch.get(key, { offset: 8, length: 4 })
assert.ok(found)
for await (const chunk of found.body) assert.equal(new TextDecoder().decode(chunk), 'kept')

const { entries } = await scratch.list({ prefix: 'notes/' })
assert.deepEqual(
  entries.map(({ key, size }) => ({ key, size })),
  [{ key: 'notes/first one.txt', size: 43 }],
)

// Only if nobody has changed it meanwhile.
const { version } = entries[0]!
assert.ok(version)
await scratch.put(key, new TextEncoder().encode('Changed.'), { ifVersion: version })

await scratch.delete(key)
assert.equal(await scratch.get(key), undefined)

await scratch.close()
