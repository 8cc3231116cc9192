import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFileBackend } from '@ipfs-kit/storage-file'

const path = await mkdtemp(join(tmpdir(), 'folder-'))
const folder = await openFileBackend({ path, name: 'data' })

// A key that is a path is the file at that path.
const put = await folder.put('docs/a.txt', new TextEncoder().encode('kept'))
assert.equal(await readFile(join(path, 'docs/a.txt'), 'utf8'), 'kept')
assert.equal(put.sha256?.length, 64)

// What others put there is listed and read as well.
await writeFile(join(path, 'docs/b.txt'), 'from outside')
const { entries } = await folder.list({ prefix: 'docs/' })
assert.deepEqual(
  entries.map(({ key, size }) => [key, size]),
  [
    ['docs/a.txt', 4],
    ['docs/b.txt', 12],
  ],
)

// Only if nobody has changed it meanwhile.
await writeFile(join(path, 'docs/a.txt'), 'changed')
const replacing = folder.put('docs/a.txt', new Uint8Array(3), { ifVersion: put.version! })
await assert.rejects(replacing, { code: 'STORAGE_CONFLICT' })

await folder.close()
await rm(path, { recursive: true })
