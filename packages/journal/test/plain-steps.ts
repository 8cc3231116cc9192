/** The steps of which the log tells when something is done on a plain tree. */
import { namesOf, parentOf, type PlainNode, type PlainOp, type PlainTree } from './plain-tree.ts'

/** One step, as a history shows it. */
export interface PlainStep {
  readonly change: 'put' | 'mkdir' | 'meta' | 'rm' | 'mv' | 'cp' | 'attributes' | 'unmount' | 'tier'
  /** Of a move and a copy where it comes to. */
  readonly path: string
  readonly from?: string
}

/** The steps of something that is not refused; none where it is so already. */
export function stepsOf(tree: PlainTree, op: PlainOp): readonly PlainStep[] {
  switch (op.op) {
    case 'write':
    case 'put':
    case 'mount':
      return [...foldersTo(tree, op), { change: 'put', path: op.path }]
    case 'append':
    case 'writeAt':
    case 'truncate':
      return [{ change: 'put', path: op.path }]
    case 'mkdir':
      if (tree.at(op.path) !== undefined) return []
      return [...foldersTo(tree, op), { change: 'mkdir', path: op.path }]
    case 'meta':
      if (tree.at(op.path)!.text !== undefined) return [{ change: 'put', path: op.path }]
      return op.mode === undefined && op.mtime === undefined ? [] : [{ change: 'meta', path: op.path }]
    case 'rm':
      return [{ change: 'rm', path: op.path }]
    case 'mv':
    case 'cp': {
      const { op: change, from, to } = op
      if (from === to) return []
      return [...foldersTo(tree, { ...op, path: to }), { change, path: to, from }]
    }
    case 'mark':
      if (tree.at(op.path)!.attributes.get('mark') === op.value) return []
      return [{ change: 'attributes', path: op.path }]
    case 'unmount':
      return [{ change: op.keep ? 'unmount' : 'rm', path: op.path }]
  }
}

/** What makes what is at a path anew as it is. */
export function madeAnew(tree: PlainTree, path: string): PlainOp | undefined {
  const there = tree.at(path)
  if (there === undefined) return undefined
  const { text, mode, mtime } = there
  if (text === undefined) return { op: 'meta', path, mode: mode ?? null, mtime: mtime ?? null }
  return {
    op: 'write',
    path,
    text,
    ...(mode !== undefined && { mode }),
    ...(mtime !== undefined && { mtime }),
  }
}

/** The steps of what is at a path in another tree coming back. */
export function stepsOfRestore(tree: PlainTree, path: string, from: PlainTree): readonly PlainStep[] {
  const there = tree.at(path)
  return [
    ...foldersTo(tree, { path, parents: true }),
    ...(there === undefined ? [] : [{ change: 'rm', path } as const]),
    { change: 'put', path },
    ...pathsWithAttributes(path, from.at(path)!).map((path) => ({ change: 'attributes', path }) as const),
    ...(there?.tier === undefined ? [] : [{ change: 'tier', path } as const]),
  ]
}

interface Put {
  readonly path: string
  readonly parents?: boolean | undefined
}

/** The folders that are made on the way to a path. */
function foldersTo(tree: PlainTree, { path, parents }: Put): readonly PlainStep[] {
  const above = parentOf(path)
  if (parents !== true || tree.at(above) !== undefined) return []
  return [...foldersTo(tree, { path: above, parents }), { change: 'mkdir', path: above }]
}

function pathsWithAttributes(path: string, { attributes, entries }: PlainNode): string[] {
  const below = [...(entries ?? [])].toSorted(([left], [right]) => (left < right ? -1 : 1))
  return [
    ...(attributes.size > 0 ? [path] : []),
    ...below.flatMap(([name, node]) => pathsWithAttributes(`/${[...namesOf(path), name].join('/')}`, node)),
  ]
}
