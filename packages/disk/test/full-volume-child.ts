/**
 * What happens on a volume of 256 KiB and 8 files; runs where it may mount. Arguments: an empty folder to mount on. Every
 * claim is asserted here.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { nodeDisk } from '@ipfs-kit/disk'

const [place = ''] = process.argv.slice(2)
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,nr_inodes=8', 'tmpfs', place])
const disk = nodeDisk()
const full = { code: 'DISK_FULL', systemCode: 'ENOSPC' }

const { freeBytes, totalBytes, freeInodes } = await disk.freeSpace(place)
assert.equal(totalBytes, 256 * 1024)
assert.ok(freeBytes <= totalBytes && freeBytes > 200 * 1024)
assert.ok(freeInodes < 8)

const file = await disk.open(`${place}/x`, 'create')
await file.write([new Uint8Array(100_000).fill(1)], 0)
await assert.rejects(file.write([new Uint8Array(100_000).fill(2), new Uint8Array(300_000)], 100_000), full)
const into = new Uint8Array(100_000)
assert.equal(await file.read(into, 0), 100_000)
assert.ok(into.every((byte) => byte === 1))
await file.truncate(100_000)
assert.throws(() => file.writeNow([new Uint8Array(100_000).fill(2), new Uint8Array(160_000)], 100_000), full)
assert.equal(await file.read(into, 0), 100_000)
assert.ok(into.every((byte) => byte === 1))
assert.equal((await disk.freeSpace(place)).freeBytes, 0)

// With room again all works.
await file.truncate(0)
await assert.rejects(file.preallocate(1024 * 1024), full)
await file.truncate(0)
await file.preallocate(200_000)
await file.write([new Uint8Array(200_000).fill(3)], 0)
await file.sync()
await file.close()

// A lock needs no room, and a file needs an inode.
await (await disk.lock(`${place}/lock`)).close()
await assert.rejects(async () => {
  for (let one = 0; one < 8; one += 1) await (await disk.open(`${place}/f${one}`, 'create')).close()
}, full)
await assert.rejects(disk.makeFolder(`${place}/folder`), full)
await assert.rejects(disk.lock(`${place}/another`), full)

execFileSync('mount', ['-o', 'remount,ro', place])
await assert.rejects(disk.open(`${place}/x`, 'write'), { code: 'DISK_DENIED', systemCode: 'EROFS' })
await assert.rejects(disk.unlink(`${place}/x`), { code: 'DISK_DENIED' })
await (await disk.open(`${place}/x`, 'read')).close()
// It would exclude nobody.
for (const name of ['lock', 'absent']) {
  await assert.rejects(disk.lock(`${place}/${name}`), { code: 'DISK_DENIED', systemCode: 'EROFS' })
}
process.stdout.write('all held\n')
