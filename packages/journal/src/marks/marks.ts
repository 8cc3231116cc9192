/**
 * What paths carry beside their content: own attributes, mounts, and tiers. A trie that never changes: each change gives another one, which
 * shares what is the same.
 */
import { isDeepStrictEqual } from 'node:util'
import type { CID } from 'multiformats/cid'
import { type Names, namesOf } from '../path.ts'
import type { Step } from '../record.ts'
import { type NameMap, valueAt, valuesOf, withValue } from './name-map.ts'

/** Own attributes by their names. */
export type Attributes = Readonly<Record<string, string>>

/** That what is at a path was mounted there. */
export interface MountMark {
  /** What was mounted. */
  readonly cid: CID
  /** Whether it can be changed; what it was then stays as it is. */
  readonly isWritable: boolean
}

/** What a path carries. */
export interface Mark {
  readonly attributes?: Attributes
  readonly mount?: MountMark
  /** Where its blocks, and those of what is below, are to lie. */
  readonly tier?: string
}

/** A path, and all below it. One that carries nothing, and has nothing below, is not there. */
export interface Marks {
  readonly mark: Mark
  readonly inner: NameMap<Marks>
  /** Paths that carry something, here and below. */
  readonly count: number
  /** Of them, those that are mounts. */
  readonly mounts: number
  /** And those that are pinned to a tier. */
  readonly tiers: number
}

const nothing: Mark = Object.freeze({})
const noMarks: NameMap<Marks> = new Map()

/** What a path carries. */
export function markAt(marks: Marks | undefined, names: Names): Mark {
  return below(marks, names)?.mark ?? nothing
}

/** Whether two paths carry the same. */
export function isSameMark(left: Mark, right: Mark): boolean {
  const [one, other] = [left.mount, right.mount]
  // CIDs that are equal may be made of other arrays.
  const isSameMount =
    one === undefined || other === undefined
      ? one === other
      : one.cid.equals(other.cid) && one.isWritable === other.isWritable
  return isSameMount && left.tier === right.tier && isDeepStrictEqual(left.attributes, right.attributes)
}

/** How many paths carry something, of a path and those below. */
export function countBelow(marks: Marks | undefined, names: Names): number {
  return below(marks, names)?.count ?? 0
}

/** The mount that a path is in, the innermost; how many of its names lead there. */
export function mountAround(
  marks: Marks | undefined,
  names: Names,
): { readonly mount: MountMark; readonly depth: number } | undefined {
  let node = marks
  let found: { readonly mount: MountMark; readonly depth: number } | undefined
  for (let depth = 0; node !== undefined && node.mounts > 0; depth += 1) {
    if (node.mark.mount !== undefined) found = { mount: node.mark.mount, depth }
    if (depth === names.length) break
    node = valueAt(node.inner, names[depth]!)
  }
  return found
}

/** All that a path and what is below carry: its paths from there, in the order of names. */
export function* marksBelow(
  marks: Marks | undefined,
  names: Names,
): Generator<{ readonly names: Names; readonly mark: Mark }, void, undefined> {
  const start = below(marks, names)
  const open: { readonly names: Names; readonly marks: Marks }[] = []
  if (start !== undefined) open.push({ names: [], marks: start })
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    if (carries(top.marks.mark)) yield { names: top.names, mark: top.marks.mark }
    const inner = [...valuesOf(top.marks.inner)].toSorted(([left], [right]) => (left < right ? 1 : -1))
    for (const [name, next] of inner) open.push({ names: [...top.names, name], marks: next })
  }
}

/** The mounts at a path and below. */
export function* mountsBelow(
  marks: Marks | undefined,
  names: Names,
): Generator<{ readonly names: Names; readonly mount: MountMark }, void, undefined> {
  const start = below(marks, names)
  const open = start === undefined ? [] : [{ names, marks: start }]
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    if (top.marks.mounts === 0) continue
    const { mount } = top.marks.mark
    if (mount !== undefined) yield { names: top.names, mount }
    for (const [name, next] of valuesOf(top.marks.inner))
      open.push({ names: [...top.names, name], marks: next })
  }
}

/** The tier that a path is pinned to, itself or with what is around it, the innermost; how many of its names lead to the pin. */
export function tierAround(
  marks: Marks | undefined,
  names: Names,
): { readonly tier: string; readonly depth: number } | undefined {
  let node = marks
  let found: { readonly tier: string; readonly depth: number } | undefined
  for (let depth = 0; node !== undefined && node.tiers > 0; depth += 1) {
    if (node.mark.tier !== undefined) found = { tier: node.mark.tier, depth }
    if (depth === names.length) break
    node = valueAt(node.inner, names[depth]!)
  }
  return found
}

/** The paths that are pinned to a tier, at a path and below. */
export function* tiersBelow(
  marks: Marks | undefined,
  names: Names,
): Generator<{ readonly names: Names; readonly tier: string }, void, undefined> {
  const start = below(marks, names)
  const open = start === undefined ? [] : [{ names, marks: start }]
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    if (top.marks.tiers === 0) continue
    const { tier } = top.marks.mark
    if (tier !== undefined) yield { names: top.names, tier }
    for (const [name, next] of valuesOf(top.marks.inner))
      open.push({ names: [...top.names, name], marks: next })
  }
}

/** The marks after a step. */
export function markedBy(marks: Marks | undefined, step: Step): Marks | undefined {
  switch (step.step) {
    case 'put': {
      if (step.mount === undefined) return marks
      const mount: MountMark = { cid: step.cid, isWritable: step.mount === 'writable' }
      return set(marks, namesOf(step.path), (node) => marked(node, { ...node?.mark, mount }))
    }
    case 'attributes':
      return set(marks, namesOf(step.path), (node) =>
        marked(node, withAttributes(node?.mark, step.attributes)),
      )
    case 'unmount':
      return set(marks, namesOf(step.path), (node) => {
        const { mount: _, ...mark } = node?.mark ?? nothing
        return marked(node, mark)
      })
    case 'tier':
      return set(marks, namesOf(step.path), (node) => {
        const { tier: _, ...mark } = node?.mark ?? nothing
        return marked(node, step.tier === null ? mark : { ...mark, tier: step.tier })
      })
    case 'rm':
      return set(marks, namesOf(step.path), () => undefined)
    case 'mv': {
      const from = namesOf(step.from)
      const moved = below(marks, from)
      return set(
        set(marks, from, () => undefined),
        namesOf(step.to),
        () => moved,
      )
    }
    case 'cp': {
      // A copy is no mount, so that it can be changed, and lies where it lies.
      const copied = attributesOnly(below(marks, namesOf(step.from)))
      return set(marks, namesOf(step.to), () => copied)
    }
    default:
      return marks
  }
}

/** A trie of paths and what they carry, each path once. */
export function marksOf(rows: Iterable<{ readonly names: Names; readonly mark: Mark }>): Marks | undefined {
  const root = growing()
  for (const { names, mark } of rows) {
    let node = root
    const way = [root]
    for (const name of names) {
      let inner = node.inner.get(name)
      if (inner === undefined) node.inner.set(name, (inner = growing()))
      way.push((node = inner))
    }
    node.mark = mark
    for (const one of way) {
      one.count += 1
      if (mark.mount !== undefined) one.mounts += 1
      if (mark.tier !== undefined) one.tiers += 1
    }
  }
  return root.count === 0 ? undefined : root
}

function growing(): Growing {
  return { mark: nothing, inner: new Map<string, Growing>(), count: 0, mounts: 0, tiers: 0 }
}

interface Growing extends Marks {
  mark: Mark
  readonly inner: Map<string, Growing>
  count: number
  mounts: number
  tiers: number
}

function below(marks: Marks | undefined, names: Names): Marks | undefined {
  let node = marks
  for (const name of names) {
    if (node === undefined) return undefined
    node = valueAt(node.inner, name)
  }
  return node
}

/** The trie with another node at a path. */
function set(
  marks: Marks | undefined,
  names: Names,
  change: (node: Marks | undefined) => Marks | undefined,
): Marks | undefined {
  // By hand, not by recursion: folders may be nested deeper than calls may be.
  const way: (Marks | undefined)[] = [marks]
  for (const name of names) way.push(below(way.at(-1), [name]))
  const before = way.at(-1)
  let node = change(before)
  if (node === before) return marks
  const more = (node?.count ?? 0) - (before?.count ?? 0)
  const mounts = (node?.mounts ?? 0) - (before?.mounts ?? 0)
  const tiers = (node?.tiers ?? 0) - (before?.tiers ?? 0)
  for (let depth = names.length - 1; depth >= 0; depth -= 1) {
    const outer = way[depth]
    const inner: NameMap<Marks> = withValue(outer?.inner ?? noMarks, names[depth]!, node)
    const count = (outer?.count ?? 0) + more
    node =
      count === 0
        ? undefined
        : {
            mark: outer?.mark ?? nothing,
            inner,
            count,
            mounts: (outer?.mounts ?? 0) + mounts,
            tiers: (outer?.tiers ?? 0) + tiers,
          }
  }
  return node
}

/** A node with another mark. */
function marked(node: Marks | undefined, mark: Mark): Marks | undefined {
  const count = (node?.count ?? 0) + Number(carries(mark)) - Number(carries(node?.mark ?? nothing))
  const mounts =
    (node?.mounts ?? 0) + Number(mark.mount !== undefined) - Number(node?.mark.mount !== undefined)
  const tiers = (node?.tiers ?? 0) + Number(mark.tier !== undefined) - Number(node?.mark.tier !== undefined)
  return count === 0 ? undefined : { mark, inner: node?.inner ?? noMarks, count, mounts, tiers }
}

function carries({ attributes, mount, tier }: Mark): boolean {
  return attributes !== undefined || mount !== undefined || tier !== undefined
}

function withAttributes(mark: Mark | undefined, changes: Readonly<Record<string, string | null>>): Mark {
  const { attributes: before, ...rest } = mark ?? nothing
  const attributes: Record<string, string> = { ...before }
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete attributes[name]
    else attributes[name] = value
  }
  return Object.keys(attributes).length === 0 ? rest : { ...rest, attributes }
}

function attributesOnly(marks: Marks | undefined): Marks | undefined {
  if (marks === undefined || (marks.mounts === 0 && marks.tiers === 0)) return marks
  const rows = [...marksBelow(marks, [])]
  return marksOf(
    rows.flatMap(({ names, mark: { attributes } }) =>
      attributes === undefined ? [] : [{ names, mark: { attributes } }],
    ),
  )
}
