/** What the `files` commands do to a plain tree: the operations that each comes to, all or none. */
import type { JournalErrorCode } from '@ipfs-kit/journal'
import { namesOf, type PlainOp, PlainTree } from './plain-tree.ts'

interface Metadata {
  readonly mode?: number
  readonly mtime?: number
}

/** A command, in JSON. */
export type MfsOp =
  | { readonly mfs: 'cp'; readonly from: string; readonly to: string; readonly parents: boolean }
  /** What is at `from` is written, and copied by its CID. */
  | { readonly mfs: 'cp cid'; readonly from: string; readonly to: string; readonly parents: boolean }
  | { readonly mfs: 'mv'; readonly from: string; readonly to: string }
  | ({ readonly mfs: 'mkdir'; readonly path: string; readonly parents: boolean } & Metadata)
  | {
      readonly mfs: 'rm'
      readonly paths: readonly string[]
      readonly recursive: boolean
      readonly force: boolean
    }
  | { readonly mfs: 'touch'; readonly path: string; readonly mtime: number }
  | { readonly mfs: 'chmod'; readonly path: string; readonly mode: number }
  | ({
      readonly mfs: 'write'
      readonly path: string
      readonly text: string
      readonly create: boolean
      readonly truncate: boolean
      readonly parents: boolean
      readonly offset: number
      readonly length?: number
    } & Metadata)

/** The tree after a command, or the code with which it is refused. */
export function afterMfs(tree: PlainTree, op: MfsOp): PlainTree | JournalErrorCode {
  switch (op.mfs) {
    case 'cp': {
      const { from, to, parents } = op
      return tree.tried({ op: 'cp', from, to: targetOf(to, from), parents })
    }
    case 'cp cid': {
      const { from, to, parents } = op
      return tree.tried({ op: 'put', from, path: to, parents })
    }
    case 'mv': {
      const { from, to } = op
      const there = kindAt(tree, to)
      if (there === 'JOURNAL_NOT_A_FOLDER') return there
      return tree.tried({ op: 'mv', from, to: there === 'folder' ? into(to, from) : targetOf(to, from) })
    }
    case 'mkdir': {
      const { mfs, ...rest } = op
      return tree.tried({ op: mfs, ...rest })
    }
    case 'rm':
      return removed(tree, op)
    case 'touch':
      return tree.tried({ op: 'meta', path: op.path, mtime: op.mtime })
    case 'chmod':
      return tree.tried({ op: 'meta', path: op.path, mode: op.mode })
    case 'write':
      return written(tree, op)
  }
}

function removed(
  tree: PlainTree,
  { paths, recursive, force }: Extract<MfsOp, { readonly mfs: 'rm' }>,
): PlainTree | JournalErrorCode {
  let after = tree
  for (const path of paths) {
    const there = kindAt(after, path)
    if (force && there === undefined) continue
    if (force && there === 'JOURNAL_NOT_A_FOLDER') return there
    const tried = after.tried({ op: 'rm', path, recursive: recursive || force })
    if (!(tried instanceof PlainTree)) return tried
    after = tried
  }
  return after
}

function written(
  tree: PlainTree,
  op: Extract<MfsOp, { readonly mfs: 'write' }>,
): PlainTree | JournalErrorCode {
  const { path, create, truncate, parents, offset, mode, mtime } = op
  const text = op.text.slice(0, op.length)
  const there = kindAt(tree, path)
  if (there === 'JOURNAL_NOT_A_FOLDER') return there
  if (there === undefined && !create) return 'JOURNAL_NOT_FOUND'
  const metadata = { ...(mode !== undefined && { mode }), ...(mtime !== undefined && { mtime }) }
  const first: PlainOp[] =
    there === undefined
      ? [{ op: 'write', path, text: '', parents }]
      : truncate
        ? [{ op: 'truncate', path, size: 0 }]
        : []
  const ops: readonly PlainOp[] = [
    ...first,
    { op: 'writeAt', path, offset, text },
    ...(Object.keys(metadata).length > 0 ? [{ op: 'meta', path, ...metadata } as const] : []),
  ]
  let after = tree
  for (const one of ops) {
    const tried = after.tried(one)
    if (!(tried instanceof PlainTree)) return tried
    after = tried
  }
  return after
}

/** What is at a path, if anything is; the code if a file is on the way. */
function kindAt(tree: PlainTree, path: string): 'file' | 'folder' | 'JOURNAL_NOT_A_FOLDER' | undefined {
  const tried = tree.pinned(path, undefined)
  if (tried === 'JOURNAL_NOT_A_FOLDER') return tried
  const node = tree.at(path)
  return node && (node.text === undefined ? 'folder' : 'file')
}

/** One that ends in a slash is that of a folder to put it into. */
function targetOf(to: string, from: string): string {
  return to.endsWith('/') ? into(to, from) : to
}

function into(folder: string, path: string): string {
  return `/${[...namesOf(folder), ...namesOf(path).slice(-1)].join('/')}`
}
