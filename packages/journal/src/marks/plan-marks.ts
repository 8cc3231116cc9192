/** What the calls do to attributes, mounts and tiers, and what mounts let others do. */
import { JournalError } from '../errors.ts'
import type { HeldDag } from '../hold-dag.ts'
import { type Names, pathOf } from '../path.ts'
import { notFound, planPut } from '../plan.ts'
import type { Step } from '../record.ts'
import type { TreeView } from '../tree/tree.ts'
import { markAt, mountAround, mountsBelow } from './marks.ts'

/** Of all paths; they are in memory. */
const maxMarks = 100_000
const maxAttributeBytes = 65_536

/** @throws JournalError JOURNAL_READ_ONLY for a path in a mount that cannot be changed */
export function checkWritable({ marks }: TreeView, names: Names): void {
  const around = mountAround(marks, names)
  if (around === undefined || around.mount.isWritable) return
  const point = pathOf(names.slice(0, around.depth))
  throw new JournalError('JOURNAL_READ_ONLY', `${pathOf(names)} is in the read-only mount at ${point}`)
}

/** @throws JournalError JOURNAL_READ_ONLY, JOURNAL_MOUNTED for what cannot be removed or replaced */
export function checkRemovable(tree: TreeView, names: Names): void {
  for (const { names: point } of mountsBelow(tree.marks, names)) {
    throw new JournalError('JOURNAL_MOUNTED', `${pathOf(point)} is a mount`)
  }
  checkWritable(tree, names)
}

/** @throws JournalError JOURNAL_READ_ONLY for what cannot be taken away from where it is; a mount itself can be */
export function checkMovable(tree: TreeView, names: Names): void {
  if (markAt(tree.marks, names).mount === undefined) checkWritable(tree, names)
  else checkWritable(tree, names.slice(0, -1))
}

/** @throws JournalError JOURNAL_TOO_LARGE when more paths would carry something than may */
export function checkMarks(tree: TreeView, more: number): void {
  if ((tree.marks?.count ?? 0) + more <= maxMarks) return
  throw new JournalError(
    'JOURNAL_TOO_LARGE',
    `More than ${maxMarks} paths would have attributes, mounts or tiers`,
  )
}

export function planAttributes(
  tree: TreeView,
  names: Names,
  attributes: Readonly<Record<string, string | null>>,
): Step[] {
  if (tree.at(names) === undefined) throw notFound(names)
  checkWritable(tree, names)
  checkMarks(tree, 1)
  const before = markAt(tree.marks, names).attributes ?? {}
  const changes = Object.entries(attributes).filter(([name, value]) => (before[name] ?? null) !== value)
  if (changes.length === 0) return []
  const after = { ...before, ...Object.fromEntries(changes) }
  if (Buffer.byteLength(JSON.stringify(after)) > maxAttributeBytes) {
    throw new JournalError(
      'JOURNAL_TOO_LARGE',
      `The attributes of ${pathOf(names)} would take more than ${maxAttributeBytes} bytes`,
    )
  }
  return [{ step: 'attributes', path: pathOf(names), attributes: Object.fromEntries(changes) }]
}

export function planTier(tree: TreeView, names: Names, tier: string | undefined): Step[] {
  if (tree.at(names) === undefined) throw notFound(names)
  if (markAt(tree.marks, names).tier === tier) return []
  if (tier !== undefined) checkMarks(tree, 1)
  return [{ step: 'tier', path: pathOf(names), tier: tier ?? null }]
}

export function planMount(
  tree: TreeView,
  names: Names,
  entry: HeldDag,
  parents: boolean,
  isWritable: boolean,
): Step[] {
  checkMarks(tree, 1)
  const steps = planPut(tree, names, entry, parents)
  const mount = isWritable ? 'writable' : 'read-only'
  return steps.map((step) => (step.step === 'put' ? { ...step, mount } : step))
}

/** Takes a mount away, or, to keep what is there, only that it is one. */
export function planUnmount(tree: TreeView, names: Names, isKept: boolean): Step[] {
  const path = pathOf(names)
  if (tree.at(names) === undefined) throw notFound(names)
  if (markAt(tree.marks, names).mount === undefined) {
    throw new JournalError('JOURNAL_NOT_MOUNTED', `${path} is no mount`)
  }
  if (isKept) return [{ step: 'unmount', path }]
  for (const { names: point } of mountsBelow(tree.marks, names)) {
    if (point.length > names.length) throw new JournalError('JOURNAL_MOUNTED', `${pathOf(point)} is a mount`)
  }
  return [{ step: 'rm', path }]
}
