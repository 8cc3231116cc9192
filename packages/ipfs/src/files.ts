/** Reads files and folders. */
import type { Owner } from '@ipfs-kit/concurrency'
import type { Blockstore } from 'interface-blockstore'
import type { CID } from 'multiformats/cid'
import type { BlockStore } from './block-store.ts'
import type { Calls } from './calls.ts'
import { describeNode } from './describe-node.ts'
import { IpfsError } from './errors.ts'
import { openFile, readFile, type FileSource, type GetBlock } from './file-reader.ts'
import { readFolder } from './folder-reader.ts'
import type { DirectoryEntry, FileContent, Files, RangeOptions, Stat } from './ipfs.ts'
import { readBlock, resolvePath } from './resolve.ts'
import { tarOf } from './tar.ts'

/** Makes the reading half of {@link Files}. */
export function createFiles(parts: {
  readonly blocks: BlockStore
  readonly blockstore: Blockstore
  readonly calls: Calls
  readonly owner: Owner
}): Omit<Files, 'add'> {
  const { blocks, blockstore, calls, owner } = parts

  return {
    resolve: (path, options) => calls.run(options, async (signal) => (await resolveBlock(path, signal)).cid),
    stat: (path, options) =>
      calls.run(options, async (signal) => {
        const { cid } = await resolveBlock(path, signal)
        return statBlock(cid, await readBlock(cid, blockstore, signal))
      }),
    cat: (path, options = {}) => calls.run(options, (signal) => open(path, options, signal)),
    ls: (path, options) =>
      calls.stream(options, async function* (signal) {
        const { cid } = await resolveBlock(path, signal)
        for await (const entry of entriesOf(cid, signal)) {
          signal.throwIfAborted()
          yield entry
        }
      }),
    tar: (path, options) =>
      calls.run(options, async (signal) => {
        const { cid, name } = await resolveBlock(path, signal)
        await readBlock(cid, blockstore, signal)
        return calls.stream(options, (streaming) =>
          tarOf(cid, name, { ...source(streaming), entries: (folder) => entriesOf(folder, streaming) }),
        )
      }),
  }

  /** Resolves a path that has to end at a block. */
  async function resolveBlock(
    path: string,
    signal: AbortSignal,
  ): Promise<{ readonly cid: CID; readonly name: string }> {
    const { cid, name, inner } = await resolvePath(path, blockstore, signal)
    if (inner.length > 0) {
      throw new IpfsError(
        'IPFS_NOT_A_FILE',
        `/${inner.join('/')} is a value inside the node ${cid}, not a file or folder`,
      )
    }
    return { cid, name }
  }

  async function open(path: string, options: RangeOptions, signal: AbortSignal): Promise<FileContent> {
    const { cid } = await resolveBlock(path, signal)
    const file = openFile(cid, await readBlock(cid, blockstore, signal))
    if (file === undefined) throw new IpfsError('IPFS_NOT_A_FILE', `${path} is not a file`)
    const { offset, end } = range(options, file.size)
    return {
      cid,
      size: file.size,
      offset,
      length: end - offset,
      body: calls.stream(options, (reading) => readFile(file, offset, end, source(reading))),
    }
  }

  function entriesOf(cid: CID, signal: AbortSignal): AsyncGenerator<DirectoryEntry, void, undefined> {
    return readFolder(cid, (block) => readBlock(block, blockstore, signal))
  }

  function source(signal: AbortSignal): FileSource {
    const get: GetBlock = (block, until = signal) => readBlock(block, blockstore, until)
    return { get, reader: (linksOf) => blocks.reader(linksOf), signal, owner }
  }
}

/**
 * The bounds of a range inside a file.
 *
 * @throws RangeError for what is no number of bytes; IpfsError IPFS_RANGE when it starts beyond the end
 */
function range(options: RangeOptions, size: number): { readonly offset: number; readonly end: number } {
  const { offset = 0, length } = options
  if (!Number.isSafeInteger(offset)) throw new RangeError(`offset is a whole number, not ${offset}`)
  if (length !== undefined && (!Number.isSafeInteger(length) || length < 0)) {
    throw new RangeError(`length is a whole number from 0, not ${length}`)
  }
  const from = offset < 0 ? Math.max(size + offset, 0) : offset
  if (from > size || (from === size && size > 0 && offset > 0 && length !== 0)) {
    throw new IpfsError('IPFS_RANGE', `The range starts at ${offset}; the file has ${size} bytes`)
  }
  return { offset: from, end: length === undefined ? size : Math.min(from + length, size) }
}

/** What a block is, by its bytes. A symbolic link is a node like any other here. */
function statBlock(cid: CID, bytes: Uint8Array): Stat {
  const { kind, size, dagBytes, mode, mtime } = describeNode(cid, bytes)
  return {
    cid,
    type: kind === 'symlink' ? 'node' : kind,
    size: kind === 'symlink' ? bytes.byteLength : size,
    dagSize: dagBytes,
    ...(mode === undefined ? {} : { mode }),
    ...(mtime === undefined ? {} : { mtimeSeconds: Number(mtime.secs) }),
  }
}
