/** What is different between two plain trees. */
import { carryTheSame, contentOf, shownPlain } from './plain-stat.ts'
import { namesOf, type PlainNode, type PlainTree } from './plain-tree.ts'

/** Each difference as one text, in order; `undefined` if the path is in neither. */
export function plainDiff(before: PlainTree, after: PlainTree, path: string): string[] | undefined {
  const [left, right] = [before.at(path), after.at(path)]
  if (left === undefined && right === undefined) return undefined
  return differences(path, left, right).toSorted()
}

/** A difference as one text. */
export function shownDifference(path: string, change: string, before = '-', after = '-'): string {
  return [path, change, before, after].join(' ')
}

function differences(path: string, before: PlainNode | undefined, after: PlainNode | undefined): string[] {
  if (before === undefined) return after ? [shownDifference(path, 'added', '-', shownPlain(after))] : []
  if (after === undefined) return [shownDifference(path, 'removed', shownPlain(before))]
  const changed = isOther(before, after) || !carryTheSame(before, after)
  const own = changed ? [shownDifference(path, 'changed', shownPlain(before), shownPlain(after))] : []
  if (before.entries === undefined || after.entries === undefined) return own
  const names = new Set([...before.entries.keys(), ...after.entries.keys()])
  const inner = [...names].map((name) => [`/${[...namesOf(path), name].join('/')}`, name] as const)
  return [
    ...own,
    ...inner.flatMap(([at, name]) => differences(at, before.entries!.get(name), after.entries!.get(name))),
  ]
}

/** Of folders only what they are themselves. */
function isOther(before: PlainNode, after: PlainNode): boolean {
  if (before.entries === undefined || after.entries === undefined)
    return contentOf(before) !== contentOf(after)
  return (before.mode ?? 0o755) !== (after.mode ?? 0o755) || before.mtime !== after.mtime
}
