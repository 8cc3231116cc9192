/** The content that is added: made by a seeded generator, so that every run has the same bytes. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** A file or tree on disk. */
export interface Sample {
  readonly kind: 'file' | 'tree'
  readonly path: string
  readonly files: number
  readonly bytes: number
  /** SHA-256 of each file by its path relative to the parent of `path`. */
  readonly digests: ReadonlyMap<string, string>
}

/** Writes one file. */
export async function makeFile(path: string, bytes: number): Promise<Sample> {
  const hash = createHash('sha256')
  const random = xorshift(1)
  await pipeline(async function* () {
    for (let left = bytes; left > 0; left -= 1 << 20) {
      const chunk = fill(Math.min(left, 1 << 20), random)
      hash.update(chunk)
      yield chunk
    }
  }, createWriteStream(path))
  return { kind: 'file', path, files: 1, bytes, digests: new Map([[basename(path), hash.digest('hex')]]) }
}

/** Writes a tree with a hundred files a folder. */
export async function makeTree(
  path: string,
  size: { readonly files: number; readonly bytes: number },
): Promise<Sample> {
  const digests = new Map<string, string>()
  const random = xorshift(2)
  for (let index = 0; index < size.files; index += 1) {
    const folder = `folder-${String(Math.floor(index / 100)).padStart(3, '0')}`
    if (index % 100 === 0) await mkdir(join(path, folder), { recursive: true })
    const name = `file-${String(index).padStart(5, '0')}.bin`
    const bytes = fill(size.bytes, random)
    await writeFile(join(path, folder, name), bytes)
    digests.set(`${basename(path)}/${folder}/${name}`, createHash('sha256').update(bytes).digest('hex'))
  }
  return { kind: 'tree', path, files: size.files, bytes: size.files * size.bytes, digests }
}

function fill(bytes: number, random: () => number): Buffer {
  const words = new Uint32Array(Math.ceil(bytes / 4))
  for (let index = 0; index < words.length; index += 1) words[index] = random()
  return Buffer.from(words.buffer, 0, bytes)
}

/** Marsaglia's xorshift32. */
function xorshift(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
