/** Runs the importer over entries: files side by side, streams one after the other, the tree of folders at the end. */
import { code as dagPbCode, encode } from '@ipld/dag-pb'
import type { Owner } from '@ipfs-kit/concurrency'
import { EntryReadError } from '@ipfs-kit/operations'
import { UnixFS } from 'ipfs-unixfs'
import { importer, type ImportCandidate, type ImporterOptions } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { CID } from 'multiformats/cid'
import { code as rawCode } from 'multiformats/codecs/raw'
import type { Intake } from './add-intake.ts'
import { Ahead } from './ahead.ts'
import { hashBlock } from './codecs.ts'
import { fileLayout } from './file-layout.ts'
import type { AddedItem, CidProfile } from './ipfs.ts'
import { ParallelWrites } from './parallel-writes.ts'
import type { Lease } from './retention.ts'

type DagBuilder = NonNullable<ImporterOptions['dagBuilder']>
type TreeBuilder = NonNullable<ImporterOptions['treeBuilder']>
type Built = Parameters<TreeBuilder>[0] extends AsyncIterable<infer Entry> ? Entry : never
type Store = Parameters<DagBuilder>[1]

/** What decides the CIDs, and who says that it is over. */
export interface ImportEntriesOptions {
  readonly profile: CidProfile
  readonly chunkBytes: number
  /** One more folder around what is added. */
  readonly wrap: boolean
  readonly signal: AbortSignal
  /** Aborts `signal`, when the importer is left. */
  readonly over: AbortController
  /** Whose tasks the files are that are built ahead. */
  readonly owner: Owner
}

/** An item on its way out. */
export interface ImportedItem extends AddedItem {
  /** Whether it is an answer of its own, or only the root once more. */
  readonly listed: boolean
}

const filesAtOnce = 64
const blocksAtOnce = 16

/** Stores what the intake admits; the last item is the root. */
export async function* importEntries(
  intake: Intake,
  lease: Lease,
  options: ImportEntriesOptions,
): AsyncGenerator<ImportedItem, void, undefined> {
  const store = {
    put: async (cid: CID, bytes: Uint8Array) => {
      options.signal.throwIfAborted()
      await lease.put(cid, bytes)
      return cid
    },
  } as unknown as Store
  // A fresh options object each time: the importer writes into it.
  const imported = importer(intake.candidates(), store, {
    profile: options.profile,
    wrapWithDirectory: true,
    dagBuilder: buildAhead(intake, options),
    // The builder looks ahead by itself; the importer's own way begins nothing before it has a whole batch.
    fileImportConcurrency: 1,
  })
  let top: ImportedItem | undefined
  for await (const entry of imported) {
    const path = entry.path ?? ''
    const isFolder = entry.unixfs?.isDirectory() === true
    const bytes = isFolder ? intake.bytesBelow(path) : Number(entry.unixfs?.fileSize() ?? entry.size)
    if (path !== '') {
      intake.count(path, isFolder ? 0 : bytes)
      const item = { path, cid: entry.cid, bytes, listed: true }
      if (!path.includes('/')) top = item
      yield item
      continue
    }
    for (const [folder, { cid, block }] of intake.emptyFolders()) {
      await lease.put(cid, block)
      const item = { path: folder, cid, bytes: 0, listed: true }
      if (!folder.includes('/')) top = item
      yield item
    }
    // The importer always wraps; with a single top-level name that is what was asked for, unless the caller wants more.
    if (intake.topLevel === 0) await lease.drop(entry.cid)
    else if (intake.topLevel > 1 || options.wrap) yield { path, cid: entry.cid, bytes, listed: true }
    else {
      await lease.drop(entry.cid)
      if (top !== undefined) yield { ...top, listed: false }
    }
  }
}

/**
 * Builds entries before the importer asks for them, in order and at most so many at once. A content that is a stream is
 * read to its end before the next entry is asked for: a sender of many files in one stream cannot give them otherwise.
 */
function buildAhead(intake: Intake, options: ImportEntriesOptions): DagBuilder {
  return async function* (entries, store) {
    await using ahead = new Ahead<Built | undefined>(options.owner, 'file of an add')
    let whole = false
    try {
      for await (const entry of entries) {
        ahead.begin(() => build(entry, store, intake, options))
        yield* taken(isStream(entry) ? 0 : filesAtOnce - 1)
      }
      yield* taken(0)
      whole = true
    } finally {
      if (!whole) options.over.abort()
    }

    /** Hands on from the front until no more than so many are left. The importer takes each before it asks on. */
    function* taken(left: number): Generator<() => Promise<Built>, void, undefined> {
      while (ahead.size > left) yield () => ahead.next() as Promise<Built>
    }
  }
}

function isStream(entry: ImportCandidate): boolean {
  return 'content' in entry && !(entry.content instanceof Uint8Array)
}

/** Stores one file, or notes a folder. `undefined`, which the importer's tree skips, when it could not be read. */
async function build(
  entry: ImportCandidate,
  store: Store,
  intake: Intake,
  { profile, chunkBytes, signal }: ImportEntriesOptions,
): Promise<Built | undefined> {
  const path = entry.path ?? ''
  if (!('content' in entry)) return buildEmptyFolder(path, intake, profile)
  if (isRawBlock(entry, profile, chunkBytes)) return buildRawBlock(path, entry.content, store)
  // Blocks are written while the next ones are read and hashed; the importer would wait for each batch of them.
  const writes = new ParallelWrites(blocksAtOnce)
  const behind: Store = {
    put: async (cid, bytes) => {
      await writes.add(async () => void (await store.put(cid, bytes)))
      return cid
    },
  }
  const imported = importer([entry], behind, {
    profile,
    chunker: fixedSize({ chunkSize: chunkBytes }),
    layout: fileLayout({ profile, path, put: behind.put.bind(behind) }),
    blockWriteConcurrency: 1,
    treeBuilder: (files) => files,
  })
  try {
    let built: Built | undefined
    for await (const file of imported) built = { ...file, path }
    await writes.end()
    return built
  } catch (error) {
    await writes.settle()
    if (!(error instanceof EntryReadError) || signal.aborted) throw error
    intake.fail(path, error)
    return undefined
  }
}

/** Whether a file is one raw block as it is: so is every small one under `unixfs-v1-2025`, and it needs no importer. */
function isRawBlock(
  entry: ImportCandidate,
  profile: CidProfile,
  chunkBytes: number,
): entry is ImportCandidate & { readonly content: Uint8Array } {
  if (profile !== 'unixfs-v1-2025' || !('content' in entry)) return false
  return entry.content instanceof Uint8Array && entry.content.byteLength <= chunkBytes
}

async function buildRawBlock(path: string, content: Uint8Array, store: Store): Promise<Built> {
  const cid = CID.createV1(rawCode, await hashBlock(content))
  await store.put(cid, content)
  return { cid, path, size: BigInt(content.byteLength) }
}

/**
 * Notes a folder that was given. Nothing is stored for it yet: it may still get entries, and the importer yields only
 * folders that have some.
 */
async function buildEmptyFolder(path: string, intake: Intake, profile: CidProfile): Promise<Built> {
  const unixfs = new UnixFS({ type: 'directory' })
  const block = encode({ Data: unixfs.marshal(), Links: [] })
  const cid = CID.create(profile === 'unixfs-v0-2015' ? 0 : 1, dagPbCode, await hashBlock(block))
  intake.noteEmptyFolder(path, { cid, block })
  return { cid, path, unixfs, size: BigInt(block.byteLength), block }
}
