/** Folders that become so large that they are HAMTs. */
import type fc from 'fast-check'
import { expect } from 'vitest'
import { command, doneOnPlain, filesOf, type Model, type Real } from './model-run.ts'
import { doneOn } from './plain-files.ts'
import { anyPath } from './plain-ops.ts'
import type { PlainOp } from './plain-tree.ts'

/**
 * So many entries come or go, in one change that a checkpoint follows, that a folder becomes a HAMT, or is none any more.
 *
 * @param onDone - is told when it was done on the plain tree
 */
export function crowds<M extends Model, R extends Real>(
  onDone: (model: M) => void = () => undefined,
): fc.Arbitrary<fc.AsyncCommand<M, R>> {
  return anyPath.map((folder) =>
    command<M, R>({ crowd: folder }, async (model, { opened: { journal } }) => {
      const entries = model.tree.at(folder)?.entries
      if (entries === undefined) return
      const names = Array.from({ length: 300 }, (_, at) => `${at}`.padEnd(900, 'x'))
      const isThere = entries.has(names[0]!)
      await using files = journal.begin()
      let { tree } = model
      for (const name of names) {
        const path = `${folder === '/' ? '' : folder}/${name}`
        const op: PlainOp = isThere ? { op: 'rm', path, recursive: true } : { op: 'mkdir', path }
        const done = doneOnPlain(tree, op)
        expect(await doneOn({ ...filesOf(journal), files }, op)).toBe(done.code)
        if (done.code !== undefined) return
        tree = done.tree
      }
      await files.commit()
      model.tree = tree
      await journal.checkpoint()
      onDone(model)
    }),
  )
}
