/** A file or folder as a tar archive. */
import { code as dagPbCode } from '@ipld/dag-pb'
import type { CID } from 'multiformats/cid'
import { IpfsError } from './errors.ts'
import { openFile, readFile, unixfsNode, type FileSource } from './file-reader.ts'
import type { DirectoryEntry } from './ipfs.ts'
import { tarEnd, tarHeader, tarPadding } from './tar-header.ts'

/** What the archiver reads. */
export interface TarSource extends FileSource {
  readonly entries: (folder: CID) => AsyncIterable<DirectoryEntry>
}

/** Smaller pieces of an archive are joined up to this size before they are handed on. */
const pieceBytes = 65_536

/**
 * Yields the archive: the root under `name`, folders before their entries, times as stored or else the epoch, so that
 * the same DAG gives the same bytes.
 *
 * @throws IpfsError IPFS_NOT_A_FILE for a node that is neither file, folder nor symbolic link; IPFS_INVALID_NODE for an
 * entry whose name is empty, `.`, `..`, or has a slash or a NUL
 */
export async function* tarOf(
  root: CID,
  name: string,
  source: TarSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  let small: Uint8Array[] = []
  let smallBytes = 0
  for await (const chunk of pieces(root, name, source)) {
    small.push(chunk)
    smallBytes += chunk.byteLength
    if (smallBytes < pieceBytes) continue
    yield small.length === 1 ? chunk : Buffer.concat(small)
    small = []
    smallBytes = 0
  }
  yield Buffer.concat(small)
}

interface Place {
  readonly cid: CID
  readonly path: string
}

async function* pieces(
  root: CID,
  name: string,
  source: TarSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  // Folders wait as iterators, so that a deep tree needs no deep stack and a wide one is never held whole.
  const open: AsyncIterator<Place>[] = [one({ cid: root, path: name })]
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const next = await top.next()
    if (next.done === true) {
      open.pop()
      continue
    }
    const { cid, path } = next.value
    const bytes = await source.get(cid)
    const file = openFile(cid, bytes)
    if (file !== undefined) {
      const { size, mode = 0o644, mtimeSeconds = 0 } = file
      yield tarHeader({ path, type: 'file', mode, mtimeSeconds, size })
      yield* readFile(file, 0, size, source)
      yield tarPadding(size)
      continue
    }
    const unixfs = cid.code === dagPbCode ? unixfsNode(cid, bytes)?.unixfs : undefined
    const mtimeSeconds = Number(unixfs?.mtime?.secs ?? 0n)
    if (unixfs?.isDirectory() === true) {
      yield tarHeader({ path, type: 'directory', mode: unixfs.mode ?? 0o755, mtimeSeconds })
      open.push(below(path, source.entries(cid)))
    } else if (unixfs?.type === 'symlink') {
      const target = Buffer.from(unixfs.data ?? new Uint8Array()).toString()
      if (target === '' || target.includes('\0')) {
        throw new IpfsError(
          'IPFS_INVALID_NODE',
          `The symbolic link ${path} (${cid}) has no target that can be written`,
        )
      }
      yield tarHeader({ path, type: 'symlink', mode: 0o777, mtimeSeconds, target })
    } else {
      throw new IpfsError('IPFS_NOT_A_FILE', `${path} (${cid}) is neither a file nor a folder`)
    }
  }
  yield tarEnd
}

async function* one<T>(value: T): AsyncGenerator<T, void, undefined> {
  yield value
}

async function* below(
  path: string,
  entries: AsyncIterable<DirectoryEntry>,
): AsyncGenerator<Place, void, undefined> {
  for await (const { cid, name } of entries) {
    // Names in a DAG are whatever its maker wrote; one that leads elsewhere must not reach whoever unpacks.
    if (/^\.{0,2}$|[/\0]/.test(name)) {
      throw new IpfsError(
        'IPFS_INVALID_NODE',
        `The folder ${path} has an entry ${JSON.stringify(name)}, which is no file name`,
      )
    }
    yield { cid, path: `${path}/${name}` }
  }
}
