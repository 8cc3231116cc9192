/**
 * The digests of what this backend has put: a small file for each key, with the version that the digest is of. A file that
 * somebody else has changed has another version, and so no digest. See FORMAT.md.
 */
import { createHash } from 'node:crypto'
import { type Disk, DiskError } from '@ipfs-kit/disk'
import { encodedPath } from './key-names.ts'
import type { Tree } from './tree.ts'

/** More than two lines are; a longer file is none of ours. */
const maxFileBytes = 1024
const linePattern = /^([0-9a-f]{64}) (\S+) ([0-9a-f]{16})$/

export class Digests {
  readonly #disk: Disk
  readonly #tree: Tree

  constructor(disk: Disk, tree: Tree) {
    this.#disk = disk
    this.#tree = tree
  }

  /** The SHA-256 of a version in hex; undefined if it is not known. */
  async of(key: string, version: string): Promise<string | undefined> {
    return (await this.#read(key)).get(version)
  }

  /**
   * Notes the digest of a version that its key is about to have, and keeps that of the one that it has now: whichever the key
   * has after a crash, its digest is known. It is not synced, since what a power loss tears is told by its check.
   */
  async note(key: string, sha256: string, version: string, former: string | undefined): Promise<void> {
    const known = former === undefined ? undefined : (await this.#read(key)).get(former)
    const lines = [lineOf(key, sha256, version)]
    if (former !== undefined && known !== undefined) lines.push(lineOf(key, known, former))
    const temporary = `${this.#tree.temporary}/digest-${encodeURIComponent(version)}`
    const file = await this.#disk.open(temporary, 'create')
    try {
      await file.write([Buffer.from(lines.join(''))], 0)
    } finally {
      await file.close()
    }
    await this.#tree.move(temporary, this.#placeOf(key))
  }

  /** Forgets what is known of a key. */
  async drop(key: string): Promise<void> {
    await this.#disk.unlink(this.#placeOf(key).path)
  }

  /** The digests of a key by version. */
  async #read(key: string): Promise<Map<string, string>> {
    const bytes = await readIfThere(this.#disk, this.#placeOf(key).path)
    const digests = new Map<string, string>()
    for (const line of bytes.toString().split('\n')) {
      const [, sha256, version, check] = linePattern.exec(line) ?? []
      if (sha256 === undefined || version === undefined || check !== checkOf(key, sha256, version)) continue
      digests.set(version, sha256)
    }
    return digests
  }

  #placeOf(key: string): { readonly path: string; readonly folder: string } {
    const path = `${this.#tree.digests}/${encodedPath(key)}`
    return { path, folder: path.slice(0, path.lastIndexOf('/')) }
  }
}

/** The beginning of a file; nothing if there is none. */
async function readIfThere(disk: Disk, path: string): Promise<Buffer> {
  const into = Buffer.alloc(maxFileBytes)
  let file
  try {
    file = await disk.open(path, 'read')
  } catch (error) {
    if (error instanceof DiskError && error.code === 'DISK_NOT_FOUND') return Buffer.alloc(0)
    throw error
  }
  try {
    return into.subarray(0, file.readNow(into, 0) ?? (await file.read(into, 0)))
  } finally {
    await file.close()
  }
}

function lineOf(key: string, sha256: string, version: string): string {
  return `${sha256} ${version} ${checkOf(key, sha256, version)}\n`
}

/** Tells a line that was torn, or is in the place of another key. */
function checkOf(key: string, sha256: string, version: string): string {
  return createHash('sha256').update(`${key}\n${sha256}\n${version}`).digest('hex').slice(0, 16)
}
