/** Finds what is different between two trees that do not change. */
import { diffFolders } from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import { JournalError } from './errors.ts'
import { storeFailure } from './failure.ts'
import type { Stat } from './journal.ts'
import { isSameMark, markAt, marksBelow } from './marks/marks.ts'
import { isSameMtime } from './mtime.ts'
import { type Names, pathOf } from './path.ts'
import { notFound } from './plan.ts'
import { statOf } from './stat.ts'
import { type Entry, Folder } from './tree/folder.ts'
import { entryAt, type Tree } from './tree/tree.ts'
import type { Difference } from './versions.ts'

/** A path in both trees. */
interface Pair {
  readonly names: Names
  readonly before: Entry | undefined
  readonly after: Entry | undefined
}

/** @throws JournalError JOURNAL_NOT_FOUND if the path is in neither; JOURNAL_BLOCK_MISSING, JOURNAL_INVALID_DAG */
export async function* diffTrees(
  before: Tree,
  after: Tree,
  names: Names,
  signal: AbortSignal | undefined,
): AsyncGenerator<Difference, void, undefined> {
  try {
    yield* new TreeDiff(before, after, signal).below(names)
  } catch (cause) {
    throw storeFailure(cause, 'compare two trees')
  }
}

class TreeDiff {
  readonly #before: Tree
  readonly #after: Tree
  readonly #signal: AbortSignal | undefined

  constructor(before: Tree, after: Tree, signal: AbortSignal | undefined) {
    this.#before = before
    this.#after = after
    this.#signal = signal
  }

  async *below(names: Names): AsyncGenerator<Difference, void, undefined> {
    const first = await this.#pairAt(names)
    if (first.before === undefined && first.after === undefined) throw notFound(names)
    // By hand, not by recursion: folders may be nested deeper than calls may be.
    const open = [alone(first)]
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      this.#signal?.throwIfAborted()
      const { done, value: pair } = await top.next()
      if (done === true) {
        open.pop()
        continue
      }
      const difference = await this.#differenceOf(pair)
      if (difference !== undefined) yield difference
      const { before, after } = pair
      if (before instanceof Folder && after instanceof Folder) {
        open.push(this.#differingIn(pair.names, before, after))
      }
    }
    yield* this.#carriedBelow(names)
  }

  async #pairAt(names: Names): Promise<Pair> {
    return {
      names,
      before: await this.#find(this.#before, names),
      after: await this.#find(this.#after, names),
    }
  }

  /** The entries of two folders that are not the same. */
  async *#differingIn(names: Names, before: Folder, after: Folder): AsyncGenerator<Pair, void, undefined> {
    const changed = new Set([...before.changed(), ...after.changed()].map(([name]) => name))
    for (const name of changed) {
      const pair = {
        names: [...names, name],
        before: await this.#entryIn(this.#before, before, name),
        after: await this.#entryIn(this.#after, after, name),
      }
      if (!isSame(pair)) yield pair
    }
    const get = (cid: CID) => this.#after.get(cid, this.#signal)
    for await (const one of diffFolders(before.base?.cid, after.base?.cid, get)) {
      if (changed.has(one.name)) continue
      yield {
        names: [...names, one.name],
        before: one.before && (await this.#before.entryOf(one.before, this.#signal)),
        after: one.after && (await this.#after.entryOf(one.after, this.#signal)),
      }
    }
  }

  async #differenceOf(pair: Pair): Promise<Difference | undefined> {
    if (isSame(pair)) return undefined
    const { names } = pair
    const before = await this.#statOf(this.#before, names, pair.before)
    const after = await this.#statOf(this.#after, names, pair.after)
    if (after === undefined) return before && { path: pathOf(names), change: 'removed', before }
    if (before === undefined) return { path: pathOf(names), change: 'added', after }
    return areOther(before, after) ? { path: pathOf(names), change: 'changed', before, after } : undefined
  }

  async #statOf(tree: Tree, names: Names, entry: Entry | undefined): Promise<Stat | undefined> {
    return entry && (await statOf({ entry, mark: markAt(tree.marks, names) }, tree.get, this.#signal))
  }

  /** What is at a path; nothing where a file is on the way. */
  async #find(tree: Tree, names: Names): Promise<Entry | undefined> {
    try {
      return await tree.find(names, this.#signal)
    } catch (error) {
      if (error instanceof JournalError && error.code === 'JOURNAL_NOT_A_FOLDER') return undefined
      throw error
    }
  }

  async #entryIn(tree: Tree, folder: Folder, name: string): Promise<Entry | undefined> {
    await tree.loadBelow(folder, [name], 0, this.#signal)
    return entryAt(folder, [name])
  }

  /** Paths that carry something else, and have not been told for another reason. */
  async *#carriedBelow(names: Names): AsyncGenerator<Difference, void, undefined> {
    const [left, right] = [this.#before.marks, this.#after.marks]
    if (left === right) return
    const seen = new Set<string>()
    for (const marks of [left, right]) {
      for (const { names: below } of marksBelow(marks, names)) {
        const at = [...names, ...below]
        const path = pathOf(at)
        if (seen.has(path)) continue
        seen.add(path)
        if (isSameMark(markAt(left, at), markAt(right, at))) continue
        const pair = await this.#pairAt(at)
        const before = await this.#statOf(this.#before, at, pair.before)
        const after = await this.#statOf(this.#after, at, pair.after)
        if (before === undefined || after === undefined) continue
        if (isSame(pair) || !areOther(before, after)) yield { path, change: 'changed', before, after }
      }
    }
  }
}

/** Whether what is there is something else, whatever the path carries. */
function areOther(before: Stat, after: Stat): boolean {
  if (before.kind !== 'directory' || after.kind !== 'directory') return true
  return before.mode !== after.mode || !isSameMtime(before.mtime, after.mtime)
}

function isSame({ before, after }: Pair): boolean {
  if (before === undefined || after === undefined) return before === after
  const cid = cidOf(after)
  return cid !== undefined && cidOf(before)?.equals(cid) === true
}

/** Of a folder only if it is as its block says. */
function cidOf(entry: Entry): CID | undefined {
  if (!(entry instanceof Folder)) return entry.cid
  return entry.isChanged ? undefined : entry.base?.cid
}

async function* alone(pair: Pair): AsyncGenerator<Pair, void, undefined> {
  yield pair
}
