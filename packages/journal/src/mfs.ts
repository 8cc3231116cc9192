/**
 * The tree in the shape of the `files` commands of Kubo (MFS), for the RPC API and what speaks it: their options, their defaults, and
 * what they answer. What changes the tree is one change.
 *
 * @packageDocumentation
 */
import { describeNode, type FileBytes, type UnixfsMetadata } from '@ipfs-kit/ipfs/unixfs'
import { code as dagPbCode, decode } from '@ipld/dag-pb'
import type { CID } from 'multiformats/cid'
import { longestTransactionMs } from './checks.ts'
import type { CallOptions, Files, Journal, ListedEntry } from './journal.ts'
import { kindAt } from './kind-at.ts'
import { mtimeOf } from './mtime.ts'
import { parsePath, pathIn, targetOf } from './path.ts'
import { notFound } from './plan.ts'

/** Where content paths lead, and the blocks of nodes: a slice of a node of `@ipfs-kit/ipfs`. */
export interface MfsContent {
  readonly files: { resolve(path: string, options?: CallOptions): Promise<CID> }
  readonly blocks: { get(cid: CID, options?: CallOptions): Promise<Uint8Array> }
}

/** Options of {@link createMfs}. */
export interface MfsOptions {
  readonly journal: Pick<Journal, keyof Files | 'begin' | 'flush'>
  readonly ipfs: MfsContent
}

/** What `files stat` answers. */
export interface MfsStat extends UnixfsMetadata {
  readonly cid: CID
  readonly type: 'file' | 'directory'
  /** Bytes of a file; 0 for a folder. */
  readonly size: number
  /** Bytes of all its blocks. */
  readonly cumulativeSize: number
  /** Links of its first block. */
  readonly blocks: number
}

/** An entry of `files ls`. */
export interface MfsEntry extends UnixfsMetadata {
  readonly name: string
  /** With `long`, as all but the name. */
  readonly cid?: CID
  readonly type?: 'file' | 'directory'
  /** 0 for a folder. */
  readonly size?: number
}

/** Options of {@link Mfs.write}. */
export interface MfsWriteOptions extends CallOptions, UnixfsMetadata {
  /** Make the file if it is not there. Default false. */
  readonly create?: boolean
  /** Cut the file to nothing before. Default false: what is not written over stays. */
  readonly truncate?: boolean
  /** Make folders that are missing on the way. Default false. */
  readonly parents?: boolean
  /** Where to begin. Default 0. */
  readonly offset?: number
  /** Bytes to write at most. Default: all that come. */
  readonly length?: number
}

/** The `files` commands. Paths begin with a slash. All throw JournalError, as the calls of {@link Files} do. */
export interface Mfs {
  /**
   * Copies within the tree, or from `/ipfs/<cid>`. To a path that ends in a slash: into that folder, under the name that it had.
   *
   * @throws JournalError JOURNAL_EXISTS; what `ipfs.files.resolve` throws
   */
  cp(from: string, to: string, options?: CallOptions & { readonly parents?: boolean }): Promise<void>
  /** Moves; into `to` if that is a folder or ends in a slash. */
  mv(from: string, to: string, options?: CallOptions): Promise<void>
  mkdir(path: string, options?: CallOptions & UnixfsMetadata & { readonly parents?: boolean }): Promise<void>
  /**
   * Describes what is at a path, a folder as it is when it is written, or at `/ipfs/<cid>`. Symbolic links and other nodes are files,
   * as Kubo has it.
   *
   * @throws what `ipfs` throws of content
   */
  stat(path: string, options?: CallOptions): Promise<MfsStat>
  /** Removes all of the paths, or none of them. With `force` also folders with entries, and what is not there is no error. */
  rm(
    paths: string | readonly string[],
    options?: CallOptions & { readonly recursive?: boolean; readonly force?: boolean },
  ): Promise<void>
  read(
    path: string,
    options?: CallOptions & { readonly offset?: number; readonly length?: number },
  ): AsyncGenerator<Uint8Array, void, undefined>
  /** Sets the time, by default that of now. */
  touch(path: string, options?: CallOptions & Pick<UnixfsMetadata, 'mtime'>): Promise<void>
  /** Sets the permission bits. */
  chmod(path: string, mode: number, options?: CallOptions): Promise<void>
  /** @throws JournalError JOURNAL_NOT_FOUND without `create`; JOURNAL_CONFLICT when somebody else changes the file meanwhile */
  write(path: string, content: FileBytes, options?: MfsWriteOptions): Promise<void>
  /** The entries of a folder, or a file itself. */
  ls(
    path: string,
    options?: CallOptions & { readonly long?: boolean },
  ): AsyncGenerator<MfsEntry, void, undefined>
  flush(path?: string, options?: CallOptions): Promise<CID>
}

/** Makes the `files` commands of a journal. */
export function createMfs(options: MfsOptions): Mfs {
  return new JournalMfs(options)
}

class JournalMfs implements Mfs {
  readonly #journal: MfsOptions['journal']
  readonly #ipfs: MfsContent

  constructor({ journal, ipfs }: MfsOptions) {
    this.#journal = journal
    this.#ipfs = ipfs
  }

  async cp(
    from: string,
    to: string,
    { parents = false, signal }: Parameters<Mfs['cp']>[2] = {},
  ): Promise<void> {
    const target = targetOf(to, from)
    if (from.startsWith('/ipfs/')) {
      const cid = await this.#ipfs.files.resolve(from, { signal })
      await this.#journal.put(target, cid, { parents, signal })
    } else await this.#journal.cp(from, target, { parents, signal })
  }

  async mv(from: string, to: string, { signal }: CallOptions = {}): Promise<void> {
    const isFolder = (await kindAt(this.#journal, to, signal)) === 'directory'
    await this.#journal.mv(from, isFolder ? pathIn(to, from) : targetOf(to, from), { signal })
  }

  async mkdir(path: string, options: Parameters<Mfs['mkdir']>[1] = {}): Promise<void> {
    await this.#journal.mkdir(path, options)
  }

  async stat(path: string, { signal }: CallOptions = {}): Promise<MfsStat> {
    const cid = path.startsWith('/ipfs/')
      ? await this.#ipfs.files.resolve(path, { signal })
      : await this.#journal.flush(path, { signal })
    const bytes = await this.#ipfs.blocks.get(cid, { signal })
    const { kind, size, dagBytes, mode, mtime } = describeNode(cid, bytes)
    return {
      cid,
      type: typeOf(kind),
      size: kind === 'directory' ? 0 : size,
      cumulativeSize: dagBytes,
      blocks: cid.code === dagPbCode ? decode(bytes).Links.length : 0,
      ...(mode !== undefined && { mode }),
      ...(mtime !== undefined && { mtime }),
    }
  }

  async rm(
    paths: string | readonly string[],
    { recursive = false, force = false, signal }: Parameters<Mfs['rm']>[1] = {},
  ): Promise<void> {
    await using transaction = this.#journal.begin({ name: 'files rm' })
    for (const path of typeof paths === 'string' ? [paths] : paths) {
      if (force && (await kindAt(transaction, path, signal)) === undefined) continue
      await transaction.rm(path, { recursive: recursive || force, signal })
    }
    await transaction.commit({ signal })
  }

  async touch(path: string, { mtime, signal }: Parameters<Mfs['touch']>[1] = {}): Promise<void> {
    await this.#journal.setMetadata(path, { mtime: mtime ?? mtimeOf(Date.now() / 1000) }, { signal })
  }

  async chmod(path: string, mode: number, { signal }: CallOptions = {}): Promise<void> {
    await this.#journal.setMetadata(path, { mode }, { signal })
  }

  read(path: string, options: Parameters<Mfs['read']>[1] = {}): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#journal.read(path, options)
  }

  async write(path: string, content: FileBytes, options: MfsWriteOptions = {}): Promise<void> {
    const { create = false, truncate = false, parents = false, offset = 0, length, signal } = options
    const { mode, mtime } = options
    const metadata = { ...(mode !== undefined && { mode }), ...(mtime !== undefined && { mtime }) }
    const hasMetadata = Object.keys(metadata).length > 0
    const bytes = length === undefined ? content : limited(content, length)
    const kind = await kindAt(this.#journal, path, signal)
    if (kind === undefined && !create) throw notFound(parsePath(path))
    if (kind === undefined && offset === 0)
      await this.#journal.write(path, bytes, { parents, ...metadata, signal })
    else if (kind !== undefined && !truncate && !hasMetadata)
      await this.#journal.writeAt(path, offset, bytes, { signal })
    else {
      await using transaction = this.#journal.begin({ name: 'files write', timeoutMs: longestTransactionMs })
      if (kind === undefined) await transaction.write(path, new Uint8Array(), { parents, signal })
      else if (truncate) await transaction.truncate(path, 0, { signal })
      await transaction.writeAt(path, offset, bytes, { signal })
      if (hasMetadata) await transaction.setMetadata(path, metadata, { signal })
      await transaction.commit({ signal })
    }
  }

  async *ls(
    path: string,
    { long = false, signal }: Parameters<Mfs['ls']>[1] = {},
  ): AsyncGenerator<MfsEntry, void, undefined> {
    const stat = await this.#journal.stat(path, { signal })
    if (stat.kind !== 'directory') {
      const name = parsePath(path).at(-1)!
      yield long ? await this.#entry(path, { name, ...stat }, signal) : { name }
      return
    }
    // Folders that have changed have no CIDs before.
    if (long) await this.#journal.flush(path, { signal })
    let after: string | undefined
    do {
      const page = await this.#journal.ls(path, { long, ...(after !== undefined && { after }), signal })
      for (const entry of page.entries) {
        yield long ? await this.#entry(`${path}/${entry.name}`, entry, signal) : { name: entry.name }
      }
      after = page.next
    } while (after !== undefined)
  }

  flush(path = '/', options: CallOptions = {}): Promise<CID> {
    return this.#journal.flush(path, options)
  }

  async #entry(path: string, entry: ListedEntry, signal: AbortSignal | undefined): Promise<MfsEntry> {
    const { name, kind, size = 0, mode, mtime } = entry
    return {
      name,
      cid: entry.cid ?? (await this.#journal.flush(path, { signal })),
      type: typeOf(kind),
      size: kind === 'directory' ? 0 : size,
      ...(mode !== undefined && { mode }),
      ...(mtime !== undefined && { mtime }),
    }
  }
}

function typeOf(kind: ListedEntry['kind']): 'file' | 'directory' {
  return kind === 'directory' ? kind : 'file'
}

/** The first bytes of a file. */
function limited(content: FileBytes, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new RangeError(`length is a whole number of bytes from 0, not ${length}`)
  }
  return first(content, length)
}

async function* first(content: FileBytes, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = length
  if (left === 0) return
  for await (const piece of content instanceof Uint8Array ? [content] : content) {
    yield piece.subarray(0, left)
    left -= piece.length
    // What comes then may be long in coming.
    if (left <= 0) return
  }
}
