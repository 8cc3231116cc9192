/**
 * What happens on a disk that is full, and on one that cannot be written; runs where it may mount. Arguments: an empty
 * folder to mount on. Every claim is asserted here; it exits 0 when all hold.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { IpfsError, openIpfs } from '@ipfs-kit/ipfs'
import type { CID } from 'multiformats/cid'
import { added, addFile, all, drain, pattern, pinned, read, rejection } from './opened.ts'

const [place = ''] = process.argv.slice(2)
const mebibyte = 1_048_576
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', place])

const path = join(place, 'home')
let ipfs = await openIpfs({ path })
const small = await addFile(ipfs, pattern(2 * mebibyte, 1))
const before = await counts()

async function* tooMuch() {
  for (let at = 0; at < 16; at += 1) yield pattern(mebibyte, 100 + at)
}
const isFull = (error: unknown): void => {
  assert.equal((error as { code: string }).code, 'IPFS_STORE_FULL')
  assert.equal((error as { kind: string }).kind, 'full')
}

// The limit is reached in the middle of an add, whatever its shape: it is refused with numbers, and keeps nothing.
const refusal = await rejection(added(ipfs, [{ path: 'big', content: tooMuch() }]))
isFull(refusal)
assert.match((refusal as Error).message, /\d{7} of at most \d{7} are taken/)
assert.ok((await ipfs.repo.stat()).packBytes <= (await ipfs.repo.stat()).maxBytes)
assert.deepEqual(await read(ipfs, small), Buffer.from(pattern(2 * mebibyte, 1)))
await ipfs.repo.gc()
assert.deepEqual(await counts(), before)
const many = Array.from({ length: 200 }, (_, at) => ({
  path: `d/${at}`,
  content: pattern(100_000, 1000 + at),
}))
isFull(await rejection(added(ipfs, many)))
await ipfs.repo.gc()
assert.deepEqual(await counts(), before)
assert.equal(ipfs.stats().openLeases, 0)

// The same for an import and for single blocks.
const filler = join(place, 'filler')
await writeFile(filler, pattern(4 * mebibyte, 7))
const singles: CID[] = []
const putSingles = async (): Promise<void> => {
  for (let at = 0; at < 8; at += 1)
    singles.push(await ipfs.blocks.put(pattern(mebibyte, 500 + at), { pin: true }))
}
isFull(await rejection(putSingles()))
assert.ok(singles.length > 0)
for (const cid of singles) await drain(ipfs.pins.rm(cid))
await ipfs.repo.gc()

// Not one byte is free: what is stored stays readable, and what cannot be stored is refused, the pin as well as the block.
const loose = await Promise.all(
  Array.from({ length: 300 }, (_, at) => ipfs.blocks.put(pattern(20, 9000 + at))),
)
await fill(filler)
isFull(await rejection(addFile(ipfs, pattern(200_000, 3))))
const pinLoose = async (): Promise<void> => {
  for (const cid of loose) await drain(ipfs.pins.add(cid, { metadata: { note: 'x'.repeat(4000) } }))
}
isFull(await rejection(pinLoose()))
assert.deepEqual(await read(ipfs, small), Buffer.from(pattern(2 * mebibyte, 1)))
assert.ok((await pinned(ipfs)).includes(small.toString()))

// It closes, and opens again, on the full disk.
await ipfs.close()
ipfs = await openIpfs({ path })
assert.deepEqual(await read(ipfs, small), Buffer.from(pattern(2 * mebibyte, 1)))
isFull(await rejection(addFile(ipfs, pattern(200_000, 3))))

// There is room again: adding works.
await rm(filler)
for (const pin of await all(ipfs.pins.ls())) if (!pin.cid.equals(small)) await drain(ipfs.pins.rm(pin.cid))
await ipfs.repo.gc()
const after = await addFile(ipfs, pattern(mebibyte, 4))
assert.deepEqual(await read(ipfs, after), Buffer.from(pattern(mebibyte, 4)))
assert.equal((await ipfs.repo.gc()).removedBlocks, 0)
await ipfs.close()

// What was left by a full disk opens again.
const again = await openIpfs({ path })
assert.deepEqual((await pinned(again)).toSorted(), [small, after].map(String).toSorted())
await again.close()

// A disk that can only be read is refused at open.
execFileSync('mount', ['-o', 'remount,ro', place])
for (const readOnly of [path, join(place, 'other')]) {
  const error = await rejection(openIpfs({ path: readOnly }))
  assert.ok(error instanceof IpfsError)
  assert.equal(error.code, 'IPFS_STORE_FAILED')
}
process.stdout.write('all held\n')

/** What a collection brings back; the bytes of packs depend on how blocks lie in them. */
async function counts() {
  const { blocks, bytes, pins } = await ipfs.repo.stat()
  return { blocks, bytes, pins }
}

async function fill(file: string): Promise<void> {
  for (let size = 8 * mebibyte; size > 0; size = Math.floor(size / 2)) {
    await writeFile(file, pattern(size, 8), { flag: 'a' }).catch((error: NodeJS.ErrnoException) => {
      assert.equal(error.code, 'ENOSPC')
    })
  }
}
