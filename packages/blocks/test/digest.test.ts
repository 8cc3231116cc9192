import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { identity } from 'multiformats/hashes/identity'
import { sha256, sha512 } from 'multiformats/hashes/sha2'
import { expect, it } from 'vitest'
import {
  canVerify,
  createDigestCheck,
  digestOf,
  matches,
  matchesNow,
  mustMatch,
  poolBytes,
} from '../src/digest.ts'

const hashers = [sha256, sha512]

it('knows the hashes of any bytes, at once or on the thread pool', async () => {
  for (const size of [0, 1, 4096, poolBytes - 1, poolBytes, poolBytes * 3 + 1]) {
    const bytes = new Uint8Array(size).fill(7)
    const other = new Uint8Array(size + 1).fill(7)
    for (const hasher of hashers) {
      const multihash = (await hasher.digest(bytes)).bytes
      expect(canVerify(multihash)).toBe(true)
      const found = matches(multihash, bytes)
      expect(typeof found === 'boolean').toBe(size < poolBytes)
      expect(await found).toBe(true)
      expect(await matches(multihash, other)).toBe(false)
      expect([matchesNow(multihash, bytes), matchesNow(multihash, other)]).toEqual([true, false])
    }
    expect(Buffer.from(await digestOf(bytes))).toEqual(Buffer.from((await sha256.digest(bytes)).digest))
  }
})

it('knows the hashes of bytes in shared memory, of any size', async () => {
  for (const size of [0, 4096, poolBytes - 1, poolBytes, poolBytes + 1]) {
    const bytes = new Uint8Array(new SharedArrayBuffer(size)).fill(7)
    for (const hasher of hashers) {
      const multihash = (await hasher.digest(new Uint8Array(bytes))).bytes
      expect(await matches(multihash, bytes)).toBe(true)
      if (hasher === sha256) expect(Buffer.compare(await digestOf(bytes), multihash.subarray(2))).toBe(0)
    }
  }
})

it('compares every byte of a digest', async () => {
  const bytes = new Uint8Array(100)
  for (const hasher of hashers) {
    const multihash = (await hasher.digest(bytes)).bytes
    for (let bit = 0; bit < multihash.length * 8; bit++) {
      const wrong = multihash.slice()
      wrong[bit >> 3]! ^= 1 << (bit & 7)
      expect(matchesNow(wrong, bytes)).toBe(false)
    }
  }
})

it('takes identity for what it holds', async () => {
  for (const size of [0, 1, 127, 128, 20_000]) {
    const bytes = new Uint8Array(size).fill(3)
    const multihash = identity.digest(bytes).bytes
    expect(canVerify(multihash)).toBe(true)
    expect(matches(multihash, bytes)).toBe(true)
    expect(matches(multihash, new Uint8Array(size + 1).fill(3))).toBe(false)
    expect(matches(multihash, new Uint8Array(size + 1).fill(3).subarray(0, size).fill(4))).toBe(size === 0)
  }
})

it('knows no shortened, lengthened or other digests, and nothing matches them', () => {
  const unknown = ['', '12', '1220', '1214'.padEnd(44, '0'), '1220'.padEnd(66, '0'), '1220'.padEnd(70, '0')]
  unknown.push(
    '1340'.padEnd(68, '0'),
    '1e20'.padEnd(68, '0'),
    '00',
    '0002ff',
    '0001ffff',
    '00ffffffffff',
    '55',
  )
  for (const hex of unknown) {
    const multihash = Buffer.from(hex, 'hex')
    expect(canVerify(multihash), hex).toBe(false)
    expect(matches(multihash, new Uint8Array(0)), hex).toBe(false)
    expect(createDigestCheck(multihash), hex).toBeUndefined()
  }
})

it('checks a value in pieces', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array()), fc.boolean(), async (pieces, wrong) => {
      const bytes = Buffer.concat(pieces)
      for (const hasher of [...hashers, identity]) {
        const check = createDigestCheck((await hasher.digest(bytes)).bytes)!
        for (const piece of pieces) check.update(piece)
        if (wrong) check.update(Buffer.from('x'))
        expect(check.matches()).toBe(!wrong)
      }
    }),
  )
})

it('does not take a part of a value for all of it', async () => {
  const bytes = Buffer.from('a value')
  for (const hasher of [...hashers, identity]) {
    const check = createDigestCheck((await hasher.digest(bytes)).bytes)!
    check.update(bytes.subarray(0, 3))
    expect(check.matches()).toBe(false)
  }
})

it('refuses bytes that are not those of a CID, and CIDs that nobody here can check', async () => {
  for (const size of [10, poolBytes]) {
    const bytes = new Uint8Array(size)
    const cid = CID.createV1(0x55, await sha256.digest(bytes))
    await mustMatch(cid, bytes)
    const refused = async () => mustMatch(cid, new Uint8Array(size + 1))
    await expect(refused()).rejects.toMatchObject({ code: 'BLOCKS_MISMATCH' })
  }
  const blake = CID.createV1(0x55, create(0x1e, new Uint8Array(32)))
  expect(() => mustMatch(blake, new Uint8Array(1))).toThrow(
    expect.objectContaining({ code: 'BLOCKS_UNKNOWN_HASH', message: expect.stringContaining('0x1e') }),
  )
})
