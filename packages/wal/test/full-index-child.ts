/**
 * A log on a volume of 16 MiB that fills up; runs where it may mount. Arguments: an empty folder to mount on. Every claim is
 * asserted here.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { openWal } from '@ipfs-kit/wal'
import { handler } from './wal-on.ts'

const [place = ''] = process.argv.slice(2)
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', place])
const types = { pin: handler(() => 1) }
await using wal = await openWal({ path: `${place}/log`, types, segmentBytes: 4 * 1024 * 1024 })
const asked = { type: 'pin', params: { text: 'x'.repeat(1000) } } as const
const first = await wal.append(asked)
await wal.wait(first.operation.id)

// All room but for what the log has made for itself.
const ballast = `${place}/ballast`
const file = openSync(ballast, 'w')
assert.throws(() => {
  for (;;) writeSync(file, Buffer.alloc(4096, 1))
}, /ENOSPC/)
closeSync(file)

const ids: number[] = []
for (;;) {
  try {
    ids.push((await wal.append(asked)).operation.id)
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'WAL_FULL')
    break
  }
}
assert.equal(wal.stats().stopped, undefined)
assert.equal(wal.stats().index.isFull, true)
assert.equal(wal.stats().log.state, 'open')
rmSync(ballast)

for (const id of ids) assert.equal((await wal.wait(id)).state, 'completed')
const last = await wal.append(asked)
assert.equal((await wal.wait(last.operation.id)).state, 'completed')
assert.equal(wal.stats().index.isFull, false)
// A check makes a second index beside this one; how much the log and it have taken by now is a matter of speed.
execFileSync('mount', ['-o', 'remount,size=128m', place])
assert.deepEqual((await wal.verify()).index.wrong, [])
console.log('all held')
