/** What a history tells, by the list of all that was done on a plain tree. */
import type { PlainStep } from './plain-steps.ts'
import { carryTheSame, contentOf, shownPlain } from './plain-stat.ts'
import type { PlainNode, PlainTree } from './plain-tree.ts'

/** A change: some steps at once. */
export interface PlainChange {
  readonly sequence: number
  readonly steps: readonly PlainStep[]
}

/** A tree of then. */
export interface PlainVersion {
  readonly snapshot?: string
  readonly sequence: number
  readonly tree: PlainTree
}

/** The steps about a path, the newest first, each as one text. */
export function changesOf(path: string, log: readonly PlainChange[]): string[] {
  const found: string[] = []
  let now = path
  for (const { sequence, step } of newestFirst(log)) {
    const then = nameBefore(now, step)
    if (isAbout(step, then)) found.push(shownStep(sequence, step))
    now = then
  }
  return found
}

/** A step as one text. */
export function shownStep(sequence: number, { change, path, from }: PlainStep): string {
  return [sequence, change, ...(from === undefined ? [] : [from]), path].join(' ')
}

/** Which trees have something else at a path than the next newer one, the newest first, each as one text. */
export function versionsOf(
  path: string,
  live: PlainTree,
  log: readonly PlainChange[],
  kept: readonly PlainVersion[],
): string[] {
  const found: string[] = []
  let newer = { path, node: live.at(path) }
  for (const { snapshot, sequence, tree } of kept.toSorted((left, right) => right.sequence - left.sequence)) {
    const then = nameAt(path, sequence, log)
    const older = { path: then, node: tree.at(then) }
    if (then === newer.path && isSame(older.node, newer.node)) continue
    newer = older
    found.push(shownVersion(snapshot, sequence, then, older.node && shownPlain(older.node)))
  }
  return found
}

/** A version as one text. */
export function shownVersion(snapshot = '-', sequence: number, path: string, stat = '-'): string {
  return [snapshot, sequence, path, stat].join(' ')
}

/** The name that a path had after a change. */
export function nameAt(path: string, sequence: number, log: readonly PlainChange[]): string {
  const later = newestFirst(log.filter((change) => change.sequence > sequence))
  return later.reduce((now, { step }) => nameBefore(now, step), path)
}

function newestFirst(log: readonly PlainChange[]): { readonly sequence: number; readonly step: PlainStep }[] {
  return log.flatMap(({ sequence, steps }) => steps.map((step) => ({ sequence, step }))).toReversed()
}

function nameBefore(now: string, { change, path, from = '' }: PlainStep): string {
  return change === 'mv' && isIn(now, path) ? from + now.slice(path.length) : now
}

/** Whether a step changes what is at a path or below, or takes or brings it with a folder that it is in. */
function isAbout({ change, path, from }: PlainStep, name: string): boolean {
  const places = change === 'mv' ? [path, from!] : [path]
  const isOfAll = ['put', 'rm', 'mv', 'cp'].includes(change)
  return places.some((place) => isIn(place, name) || (isOfAll && isIn(name, place)))
}

function isIn(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`)
}

function isSame(left: PlainNode | undefined, right: PlainNode | undefined): boolean {
  if (left === undefined || right === undefined) return left === right
  return contentOf(left) === contentOf(right) && carryTheSame(left, right)
}
