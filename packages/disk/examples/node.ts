import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeDisk } from '@ipfs-kit/disk'

const disk = nodeDisk()
const folder = join(await mkdtemp(join(tmpdir(), 'disk-')), 'store')
await disk.makeFolder(folder)
const lock = await disk.lock(`${folder}/lock`)

// A file and what is in it survive a power loss after both syncs: of the bytes, and of the name.
const log = await disk.open(`${folder}/log`, 'create')
await log.write([Buffer.from('first, '), Buffer.from('second')], 0)
await log.sync()
await disk.syncFolder(folder)

const into = new Uint8Array(100)
// At once if the disk is fast, else by a thread.
const length = log.readNow(into, 7) ?? (await log.read(into, 7))
assert.equal(Buffer.from(into.subarray(0, length)).toString(), 'second')

await assert.rejects(disk.lock(`${folder}/lock`), { code: 'DISK_LOCKED' })

await log.close()
await lock.close()
await rm(folder, { recursive: true })
