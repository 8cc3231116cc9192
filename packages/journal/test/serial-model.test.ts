import { simDisk } from '@ipfs-kit/disk'
import { type Files, type Journal, JournalError, type Transaction } from '@ipfs-kit/journal'
import fc from 'fast-check'
import { expect } from 'vitest'
import { each, soak } from './model-run.ts'
import { openOn } from './open-on.ts'
import { codeOf, doneOn, fullRowsOf } from './plain-files.ts'
import { anyOp, anyPath, anyStep } from './plain-ops.ts'
import { fullRow, plainClock, type PlainOp, PlainTree } from './plain-tree.ts'
import { listAll, textOf } from './tree-of.ts'

/** What a transaction looks at: what is at a path, or the names in a folder. */
interface Look {
  readonly look: 'stat' | 'names'
  readonly path: string
}

const look: fc.Arbitrary<Look> = fc.record({ look: fc.constantFrom('stat', 'names'), path: anyPath })
const unmount = fc.record({ op: fc.constant('unmount'), path: anyPath, keep: fc.boolean() })
const removal = fc.record({ op: fc.constant('rm'), path: anyPath, recursive: fc.boolean() })
/** Removals are refused for what is anywhere below. */
const step: fc.Arbitrary<PlainOp | Look> = fc.oneof(
  { weight: 5, arbitrary: anyStep },
  { weight: 4, arbitrary: removal },
  { weight: 1, arbitrary: unmount },
  { weight: 2, arbitrary: look },
)

/** Somebody does something on the live tree, in one of two transactions, which begin with their first step, or ends one. */
const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({ by: fc.constantFrom(1, 2), step }) },
  { weight: 8, arbitrary: fc.record({ op: fc.oneof(anyOp, anyOp, removal, unmount) }) },
  { weight: 6, arbitrary: fc.record({ commit: fc.constantFrom(1, 2) }) },
  { weight: 1, arbitrary: fc.record({ restore: anyPath }) },
  { weight: 2, arbitrary: fc.record({ keep: fc.constantFrom('checkpoint', 'collect', 'snapshot') }) },
)

/** What a transaction has done, and what came of it. */
interface Doing {
  readonly transaction: Transaction
  readonly done: { readonly step: PlainOp | Look; readonly outcome: unknown }[]
}

const atFirst: readonly PlainOp[] = [
  ...['/a/a', '/a/b', '/b/c', '/c/a'].map((path) => ({ op: 'mkdir', path, parents: true }) as const),
  ...['/a/c', '/a/a/a', '/a/b/b', '/b/a'].map((path) => ({ op: 'write', path, text: path }) as const),
  { op: 'mount', from: '/a', path: '/b/b', mount: 'read-only' },
]

class Lives {
  readonly journal: Journal
  model = new PlainTree()
  snapshot = new PlainTree()
  readonly #doing = new Map<number, Doing>()

  constructor(journal: Journal) {
    this.journal = journal
  }

  async live(op: PlainOp): Promise<void> {
    const tried = this.model.tried(op)
    const flush: Journal['flush'] = (path, options) => this.journal.flush(path, options)
    const code = await doneOn({ files: this.journal, flush }, op)
    expect(code).toBe(tried instanceof PlainTree ? undefined : tried)
    if (tried instanceof PlainTree) this.model = tried
  }

  async step(by: number, step: PlainOp | Look): Promise<void> {
    let doing = this.#doing.get(by)
    if (doing === undefined) this.#doing.set(by, (doing = { transaction: this.journal.begin(), done: [] }))
    const { transaction, done } = doing
    done.push({ step, outcome: await outcomeOf(transaction, step) })
    if (transaction.status().state !== 'open') this.#doing.delete(by)
  }

  /** What commits comes to what it would come to alone, and now. */
  async commit(by: number): Promise<void> {
    const doing = this.#doing.get(by)
    if (doing === undefined) return
    this.#doing.delete(by)
    try {
      await doing.transaction.commit()
    } catch (error) {
      expect(error).toMatchObject({ code: 'JOURNAL_CONFLICT' })
      return
    }
    for (const { step, outcome } of doing.done) {
      const alone = outcomeOnPlain(this.model, step)
      expect(outcome, JSON.stringify(step)).toEqual(alone.outcome)
      this.model = alone.tree
    }
    expect(await fullRowsOf(this.journal)).toEqual(this.model.fullRows())
  }

  async restore(path: string): Promise<void> {
    const restored = this.model.restored(path, this.snapshot)
    const code = await codeOf(this.journal.restore({ snapshot: 'it' }, { path }))
    expect(code).toBe(restored instanceof PlainTree ? undefined : restored)
    if (restored instanceof PlainTree) this.model = restored
    expect(await fullRowsOf(this.journal)).toEqual(this.model.fullRows())
  }

  async takeSnapshot(): Promise<void> {
    for (const { name } of this.journal.snapshots()) await this.journal.removeSnapshot(name)
    await this.journal.snapshot('it')
    this.snapshot = this.model
  }
}

each(
  'what transactions see, are refused and do is what each would alone, whatever is done beside them',
  async () => {
    const program = fc.array(action, { minLength: 10, maxLength: 80, size: 'max' })
    await fc.assert(
      fc.asyncProperty(program, fc.boolean(), async (actions, isWritten) => {
        const disk = simDisk({ seed: 1 })
        const options = { segmentBytes: 1024 ** 2, clock: () => plainClock, checkpointChanges: 30 }
        let model: PlainTree
        {
          await using opened = await openOn(disk, options)
          const { journal, blocks } = opened
          const lives = new Lives(journal)
          for (const op of atFirst) await lives.live(op)
          if (isWritten) await journal.checkpoint()
          await lives.takeSnapshot()
          for (const one of actions) {
            if ('step' in one) await lives.step(one.by, one.step)
            else if ('op' in one) await lives.live(one.op)
            else if ('commit' in one) await lives.commit(one.commit)
            else if ('restore' in one) await lives.restore(one.restore)
            else if (one.keep === 'checkpoint') await journal.checkpoint()
            else if (one.keep === 'collect') await blocks.collect()
            else await lives.takeSnapshot()
          }
          await blocks.collect()
          ;({ model } = lives)
        }
        await using opened = await openOn(disk, options)
        expect(await fullRowsOf(opened.journal)).toEqual(model.fullRows())
      }),
      { numRuns: 60 * soak },
    )
  },
)

async function outcomeOf(files: Files, step: PlainOp | Look): Promise<unknown> {
  if ('op' in step) {
    const flush = () => Promise.reject(new Error('a transaction has no CIDs of folders'))
    return await doneOn({ files, flush }, step)
  }
  try {
    const { kind, mode, mtime, attributes, mount } = await files.stat(step.path)
    if (step.look === 'names') {
      const listed = kind === 'directory' ? await listAll(files, step.path, { limit: 2 }) : []
      return listed.map(({ name, kind }) => `${name} ${kind}`).toSorted()
    }
    return fullRow({
      text: kind === 'file' ? await textOf(files, step.path) : undefined,
      mark: attributes?.['mark'],
      mode,
      mtime: mtime && Number(mtime.secs),
      mount: mount && (mount.writable ? 'writable' : 'read-only'),
    })
  } catch (error) {
    if (error instanceof JournalError) return error.code
    throw error
  }
}

function outcomeOnPlain(tree: PlainTree, step: PlainOp | Look): { tree: PlainTree; outcome: unknown } {
  if ('op' in step) {
    const tried = tree.tried(step)
    return tried instanceof PlainTree ? { tree: tried, outcome: undefined } : { tree, outcome: tried }
  }
  const node = tree.at(step.path)
  if (node === undefined) {
    // Whatever is asked of it, a path of which nothing is there is refused with the same code.
    return { tree, outcome: tree.tried({ op: 'meta', path: step.path }) }
  }
  if (step.look === 'names') {
    const entries = [...(node.entries ?? [])]
    return {
      tree,
      outcome: entries.map(([name, { entries }]) => `${name} ${entries ? 'directory' : 'file'}`).toSorted(),
    }
  }
  const { text, attributes, mode, mtime, mount } = node
  return { tree, outcome: fullRow({ text, mark: attributes.get('mark'), mode, mtime, mount }) }
}
