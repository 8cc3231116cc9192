/** What several tests begin with. */
import { simDisk, type SimDisk, type SimDiskOptions } from '@ipfs-kit/disk'
import type { ListOptions, ListPage, ObjectStat, StorageBackend } from '@ipfs-kit/storage'
import { type FileBackend, type FileBackendOptions, openFileBackend } from '@ipfs-kit/storage-file'

/** The folder of the tests on a simulated disk. */
export const root = '/data'

/** A simulated disk, and a backend on its folder. */
export async function openOnSim(
  options: SimDiskOptions & Omit<FileBackendOptions, 'path' | 'disk'> = { seed: 1 },
): Promise<{ readonly disk: SimDisk; readonly backend: FileBackend }> {
  const { seed, faults = {}, ...rest } = options
  const disk = simDisk({ seed, faults })
  return { disk, backend: await openFileBackend({ path: root, disk, ...rest }) }
}

/** All the bytes of an object; undefined if there is none. */
export async function read(backend: StorageBackend, key: string): Promise<Buffer | undefined> {
  const found = await backend.get(key)
  if (found === undefined) return undefined
  const chunks: Uint8Array[] = []
  for await (const chunk of found.body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** All entries of all pages. */
export async function listAll(backend: StorageBackend, options: ListOptions = {}): Promise<ObjectStat[]> {
  const entries: ObjectStat[] = []
  let page: ListPage | undefined
  do {
    page = await backend.list(page?.cursor === undefined ? options : { ...options, cursor: page.cursor })
    entries.push(...page.entries)
  } while (page.cursor !== undefined)
  return entries
}

/** The keys of all entries. */
export async function keysOf(backend: StorageBackend, options: ListOptions = {}): Promise<string[]> {
  return (await listAll(backend, options)).map(({ key }) => key)
}

/** Bytes that differ by their salt. */
export function pattern(length: number, salt = 0): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at += 1) bytes[at] = (at * 31 + (at >>> 8) * 7 + salt) & 0xff
  return bytes
}

/** What a call that is expected to fail rejects with. */
export async function rejection(call: Promise<unknown>): Promise<unknown> {
  try {
    await call
  } catch (error) {
    return error
  }
  throw new Error('It was expected to fail')
}

/** Matches a StorageError of a code. */
export function coded(code: string): { readonly name: string; readonly code: string } {
  return { name: 'StorageError', code }
}
