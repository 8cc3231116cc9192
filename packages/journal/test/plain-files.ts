/** Does on a journal what is done on a plain tree, and tells what is there then. */
import { type Files, type Journal, JournalError, type JournalErrorCode } from '@ipfs-kit/journal'
import { fullRow, type PlainOp } from './plain-tree.ts'
import { listAll, textOf } from './tree-of.ts'

/** Where something is done; `flush` gives CIDs, of the tree that is everybody's. */
export interface PlainFiles {
  readonly files: Files
  readonly flush: Journal['flush']
}

/** Does it; gives the code with which it is refused. */
export async function doneOn(on: PlainFiles, op: PlainOp): Promise<JournalErrorCode | undefined> {
  return await codeOf(done(on, op))
}

/** The code with which a call is refused. */
export async function codeOf(call: Promise<unknown>): Promise<JournalErrorCode | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    if (error instanceof JournalError) return error.code
    throw error
  }
}

async function done({ files, flush }: PlainFiles, op: PlainOp): Promise<void> {
  switch (op.op) {
    case 'write':
      return await files.write(op.path, Buffer.from(op.text), { ...parentsOf(op), ...metadataOf(op) })
    case 'append':
      return await files.append(op.path, Buffer.from(op.text))
    case 'writeAt':
      return await files.writeAt(op.path, op.offset, Buffer.from(op.text))
    case 'truncate':
      return await files.truncate(op.path, op.size)
    case 'mkdir':
      return await files.mkdir(op.path, { ...parentsOf(op), ...metadataOf(op) })
    case 'meta':
      return await files.setMetadata(op.path, changeOf(op))
    case 'rm':
      return await files.rm(op.path, { recursive: op.recursive })
    case 'mv':
      return await files.mv(op.from, op.to, parentsOf(op))
    case 'cp':
      return await files.cp(op.from, op.to, parentsOf(op))
    case 'mark':
      return await files.setAttributes(op.path, { mark: op.value })
    case 'put':
      return await files.put(op.path, await flush(op.from), parentsOf(op))
    case 'mount': {
      const writable = op.mount === 'writable'
      return await files.mount(op.path, await flush(op.from), { ...parentsOf(op), writable })
    }
    case 'unmount':
      return await files.unmount(op.path, { keep: op.keep })
  }
}

/** Paths, each with all that there is of it. */
export async function fullRowsOf(files: Files): Promise<Map<string, string>> {
  const entries = await listAll(files, '/', { recursive: true, long: true, limit: 100 })
  const rows: [path: string, row: string][] = []
  for (const { name, ...stat } of [{ name: '', ...(await files.stat('/')) }, ...entries]) {
    const { kind, mode, mtime, attributes, mount } = stat
    const text = kind === 'file' ? await textOf(files, `/${name}`) : undefined
    const row = fullRow({
      text,
      mark: attributes?.['mark'],
      mode,
      mtime: mtime && Number(mtime.secs),
      mount: mount && (mount.writable ? 'writable' : 'read-only'),
    })
    rows.push([`/${name}`, kind === 'file' || kind === 'directory' ? row : kind])
  }
  return new Map(rows)
}

function parentsOf({ parents }: { readonly parents?: boolean | undefined }): { readonly parents?: boolean } {
  return parents === undefined ? {} : { parents }
}

type Metadata = Pick<Extract<PlainOp, { readonly op: 'meta' }>, 'mode' | 'mtime'>

function metadataOf({ mode, mtime }: Metadata) {
  return {
    ...(typeof mode === 'number' && { mode }),
    ...(typeof mtime === 'number' && { mtime: { secs: BigInt(mtime) } }),
  }
}

function changeOf(change: Metadata) {
  return {
    ...(change.mode === null && { mode: null }),
    ...(change.mtime === null && { mtime: null }),
    ...metadataOf(change),
  }
}
