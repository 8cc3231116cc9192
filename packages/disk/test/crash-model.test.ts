import { checkpoint, random } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import type { DiskFile } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { bytesAt, freshDisk, syncedFile } from './ground.ts'

/** A change of a file, done to the file and to a copy of its bytes in a plain way. */
async function change(file: DiskFile, bytes: Uint8Array, value: number): Promise<Uint8Array> {
  const place = Math.floor(random() * 3000)
  const kind = random()
  if (kind < 0.7) {
    const length = Math.floor(random() * 1500)
    await file.write([new Uint8Array(length).fill(value)], place)
    if (length === 0) return bytes
    const after = resized(bytes, Math.max(bytes.byteLength, place + length))
    after.fill(value, place, place + length)
    return after
  }
  if (kind < 0.9) {
    await file.truncate(place)
    return resized(bytes, place)
  }
  await file.preallocate(place)
  return resized(bytes, Math.max(bytes.byteLength, place))
}

function resized(bytes: Uint8Array, size: number): Uint8Array {
  const after = new Uint8Array(size)
  after.set(bytes.subarray(0, size))
  return after
}

forEachBackend(test, { seeds: 200 })(
  'after a crash every byte, and the size, is what it was at some moment since the last sync that succeeded',
  async () => {
    await checkpoint()
    const disk = await freshDisk(Math.floor(random() * 2 ** 40), { tearing: 0 })
    let bytes: Uint8Array = new Uint8Array(1000).fill(1)
    const file = await syncedFile(disk, '/f/x', bytes)
    let moments = [bytes]
    let failed = false
    for (let value = 2; value < 22; value += 1) {
      bytes = await change(file, bytes, value)
      moments.push(bytes)
      expect(await bytesAt(disk, '/f/x')).toEqual(bytes)
      const kind = random()
      if (kind < 0.1) {
        disk.failAt('sync', 1)
        await expect(file.sync()).rejects.toMatchObject({ code: 'DISK_IO' })
        failed = true
      } else if (kind < 0.25) {
        await file.sync()
        if (!failed) moments = [bytes]
      }
    }
    const after = (await bytesAt(disk.crash(), '/f/x'))!
    if (!failed) expect(moments.map((one) => one.byteLength)).toContain(after.byteLength)
    for (let at = 0; at < after.byteLength; at += 1) {
      const byte = after[at]!
      // Zeros are what is missing looks like.
      if (byte === 0 && moments.some((one) => (one[at] ?? 0) === 0)) continue
      if (!moments.some((one) => one[at] === byte)) {
        expect.fail(`byte ${at} is ${byte}, and was ${moments.map((one) => one[at]).join(', ')}`)
      }
    }
  },
)
