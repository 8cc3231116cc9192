/** A file or folder as a tar archive. */
import { code as dagPbCode } from '@ipld/dag-pb'
import type { CID } from 'multiformats/cid'
import { pack, type Header, type Pack } from 'tar-stream'
import { openFile, readFile, unixfsNode, type GetBlock, type OpenedFile } from './file-reader.ts'
import type { DirectoryEntry } from './ipfs.ts'
import { IpfsError } from './errors.ts'

/** What the archiver reads. */
export interface TarSource {
  readonly get: GetBlock
  readonly entries: (folder: CID) => AsyncIterable<DirectoryEntry>
}

/**
 * Yields the archive: the root under `name`, folders before their entries, times as stored or else the epoch, so that
 * the same DAG gives the same bytes.
 *
 * @throws IpfsError IPFS_NOT_A_FILE for a node that is neither file, folder nor symbolic link; IPFS_INVALID_NODE for an
 * entry whose name is empty, `.`, `..`, or has a slash or a NUL
 */
export async function* tarOf(root: CID, name: string, source: TarSource): AsyncGenerator<Uint8Array, void, undefined> {
  const archive = pack()
  const filling = fill(archive, root, name, source).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error as Error),
  )
  try {
    for await (const chunk of archive) yield chunk as Uint8Array
  } finally {
    archive.destroy()
    await filling
  }
}

async function fill(archive: Pack, root: CID, name: string, source: TarSource): Promise<void> {
  // Folders wait as iterators, so that a deep tree needs no deep stack and a wide one is never held whole.
  const open: AsyncIterator<{ readonly cid: CID; readonly path: string }>[] = [one({ cid: root, path: name })]
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const next = await top.next()
    if (next.done === true) {
      open.pop()
      continue
    }
    if (archive.destroyed) return
    const { cid, path } = next.value
    const bytes = await source.get(cid)
    const file = openFile(cid, bytes)
    if (file !== undefined) {
      await writeFile(archive, path, file, source.get)
      continue
    }
    const unixfs = cid.code === dagPbCode ? unixfsNode(cid, bytes)?.unixfs : undefined
    if (unixfs?.isDirectory() === true) {
      await write(archive, { ...timesOf(unixfs.mtime), name: `${path}/`, type: 'directory', mode: unixfs.mode ?? 0o755 })
      open.push(below(path, source.entries(cid)))
    } else if (unixfs?.type === 'symlink') {
      const linkname = Buffer.from(unixfs.data ?? new Uint8Array()).toString()
      await write(archive, { ...timesOf(unixfs.mtime), name: path, type: 'symlink', linkname })
    } else {
      throw new IpfsError('IPFS_NOT_A_FILE', `${path} (${cid}) is neither a file nor a folder`)
    }
  }
}

async function* one<T>(value: T): AsyncGenerator<T, void, undefined> {
  yield value
}

async function* below(path: string, entries: AsyncIterable<DirectoryEntry>) {
  for await (const { cid, name } of entries) {
    // Names in a DAG are whatever its maker wrote; one that leads elsewhere must not reach whoever unpacks.
    if (/^\.{0,2}$|[/\0]/.test(name)) {
      throw new IpfsError('IPFS_INVALID_NODE', `The folder ${path} has an entry ${JSON.stringify(name)}, which is no file name`)
    }
    yield { cid, path: `${path}/${name}` }
  }
}

function timesOf(mtime: { readonly secs: bigint } | undefined): { readonly mtime: Date } {
  return { mtime: new Date(Number(mtime?.secs ?? 0n) * 1000) }
}

function write(archive: Pack, header: Partial<Header> & Pick<Header, 'name'>): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const left = (): void => resolve()
    archive.once('close', left)
    archive.entry(header, (error) => {
      archive.off('close', left)
      if (error) reject(error)
      else resolve()
    })
  })
}

/** Writes a file; ends early without an error when the reader of the archive has left. */
async function writeFile(archive: Pack, name: string, file: OpenedFile, get: GetBlock): Promise<void> {
  const mtime = new Date((file.mtimeSeconds ?? 0) * 1000)
  await new Promise<void>((resolve, reject) => {
    const left = (): void => resolve()
    archive.once('close', left)
    const sink = archive.entry({ name, size: file.size, mode: file.mode ?? 0o644, mtime }, (error) => {
      archive.off('close', left)
      if (error) reject(error)
      else resolve()
    })
    const feed = async (): Promise<void> => {
      for await (const chunk of readFile(file, 0, file.size, get)) {
        if (archive.destroyed) return
        if (!sink.write(chunk)) await drained(sink, archive)
      }
      sink.end(undefined)
    }
    feed().catch(reject)
  })
}

function drained(sink: NodeJS.WritableStream, archive: Pack): Promise<void> {
  return new Promise<void>((resolve) => {
    const go = (): void => {
      sink.off('drain', go)
      archive.off('close', go)
      resolve()
    }
    sink.once('drain', go)
    archive.once('close', go)
  })
}
