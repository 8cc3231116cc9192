/** What every case of the suite works with. */
import assert from 'node:assert/strict'
import type { Disk, DiskFile, OpenMode } from '../disk.ts'
import { DiskError } from '../errors.ts'
import type { DiskErrorCode } from '../errors.ts'

/** One fact of the contract. */
export interface ConformanceCase {
  readonly title: string
  readonly run: (ground: Ground) => Promise<void>
}

/** A disk, and a folder on it that is empty. */
export interface Ground {
  readonly disk: Disk
  readonly folder: string
  /** A path in the folder. */
  readonly at: (name: string) => string
  /** Opens a file of the folder for as long as `use` runs. Default mode: `create`. */
  readonly using: <T>(name: string, use: (file: DiskFile) => Promise<T>, mode?: OpenMode) => Promise<T>
  /** Makes a file with these bytes. */
  readonly put: (name: string, bytes: Uint8Array) => Promise<void>
  /** All bytes of a file. */
  readonly bytesOf: (name: string) => Promise<Uint8Array>
  /** Names in the folder, sorted. */
  readonly names: () => Promise<string[]>
}

export function createGround(disk: Disk, folder: string): Ground {
  const at = (name: string): string => `${folder}/${name}`
  const using: Ground['using'] = async (name, use, mode = 'create') => {
    const file = await disk.open(at(name), mode)
    try {
      return await use(file)
    } finally {
      await file.close()
    }
  }
  return {
    disk,
    folder,
    at,
    using,
    put: (name, bytes) => using(name, (file) => file.write([bytes], 0)),
    bytesOf: (name) => using(name, (file) => contentOf(file), 'read'),
    async names() {
      return (await disk.list(folder)).map((entry) => entry.name).sort()
    },
  }
}

/** All bytes of an open file. */
export async function contentOf(file: DiskFile): Promise<Uint8Array> {
  const bytes = new Uint8Array(await file.size())
  assert.equal(await file.read(bytes, 0), bytes.byteLength, 'a file can be read up to its size')
  return bytes
}

/** Bytes that differ from place to place and from file to file. */
export function pattern(length: number, salt = 0): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let index = 0; index < length; index += 1)
    bytes[index] = (index * 31 + (index >>> 8) * 7 + salt) & 0xff
  return bytes
}

/** Asserts that bytes are equal, without printing megabytes when they are not. */
export function assertSame(actual: Uint8Array, expected: Uint8Array): void {
  assert.equal(actual.byteLength, expected.byteLength, 'number of bytes')
  assert.ok(
    Buffer.from(actual.buffer, actual.byteOffset, actual.byteLength).equals(expected),
    'the bytes differ',
  )
}

/** Asserts that a call rejects with one of these codes, and with everything else that a DiskError has. */
export async function assertRefused(
  call: Promise<unknown>,
  ...codes: readonly DiskErrorCode[]
): Promise<DiskError> {
  let found: DiskError | undefined
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof DiskError, `rejects with ${String(error)} instead of a DiskError`)
    assert.ok(
      codes.includes(error.code),
      `rejects with ${error.code} instead of ${codes.join(' or ')}: ${error.message}`,
    )
    assert.ok(error.kind.length > 0 && error.next.length > 0)
    found = error
    return true
  })
  assert.ok(found)
  return found
}
