import { simDisk } from '@ipfs-kit/disk'
import { type Files, JournalError, type Transaction } from '@ipfs-kit/journal'
import fc from 'fast-check'
import { expect } from 'vitest'
import { each, soak } from './model-run.ts'
import { openOn } from './open-on.ts'
import { type PlainOp, PlainTree } from './plain-tree.ts'
import { textOf } from './tree-of.ts'

const name = fc.constantFrom('a', 'b', 'c')
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => `/${names.join('/')}`)
const op: fc.Arbitrary<PlainOp> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('write'), path, text: fc.string({ maxLength: 3 }) }) },
  fc.record({ op: fc.constant('append'), path, text: fc.string({ maxLength: 3 }) }),
  { weight: 4, arbitrary: fc.record({ op: fc.constant('mkdir'), path }) },
  fc.record({ op: fc.constant('rm'), path, recursive: fc.boolean() }),
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('mv', 'cp'), from: path, to: path }) },
  fc.record({
    op: fc.constant('mark'),
    path,
    value: fc.option(fc.string({ maxLength: 3 }), { nil: undefined }),
  }),
)
const atFirst: readonly PlainOp[] = [
  ...['/a', '/b', '/c', '/a/a', '/a/b', '/b/c', '/c/a'].map((path) => ({ op: 'mkdir', path }) as const),
  ...['/a/c', '/a/a/a', '/a/b/b', '/b/a', '/c/a/c'].map(
    (path) => ({ op: 'write', path, text: path }) as const,
  ),
  { op: 'mark', path: '/a/a', value: 'first' },
]

/** Who does something: everybody, or one of two transactions, which begin with their first step. */
const action = fc.oneof(
  { weight: 20, arbitrary: fc.record({ by: fc.constantFrom(0, 1, 1, 1, 2, 2, 2), op }) },
  {
    weight: 2,
    arbitrary: fc.record({
      by: fc.constantFrom(1, 2),
      end: fc.constantFrom('look and commit', 'commit', 'rollback'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ by: fc.constant(0), end: fc.constantFrom('checkpoint', 'collect', 'look') }),
  },
)

/** What a transaction has done. */
interface Doing {
  readonly transaction: Transaction
  readonly ops: PlainOp[]
}

each(
  'transactions beside each other come to the same as one after the other, and so does their recovery',
  async () => {
    const program = fc.array(action, { minLength: 10, maxLength: 80, size: 'max' })
    await fc.assert(
      fc.asyncProperty(program, fc.boolean(), async (actions, isWritten) => {
        const disk = simDisk({ seed: 1 })
        let model = new PlainTree()
        {
          await using opened = await openOn(disk)
          const { journal, blocks } = opened
          const doing = new Map<number, Doing>()
          for (const op of atFirst) {
            await doneBy(journal, op)
            model = model.after(op)!
          }
          if (isWritten) await journal.checkpoint()
          for (const action of actions) {
            const { by } = action
            if ('op' in action) {
              if (by === 0) {
                const after = model.after(action.op)
                const isDone = await doneBy(journal, action.op)
                expect(isDone, JSON.stringify(action.op)).toBe(after !== undefined)
                model = after ?? model
              } else {
                let one = doing.get(by)
                if (one === undefined) doing.set(by, (one = { transaction: journal.begin(), ops: [] }))
                if (await doneBy(one.transaction, action.op)) one.ops.push(action.op)
                if (one.transaction.status().state !== 'open') doing.delete(by)
              }
            } else if (action.end === 'checkpoint') await journal.checkpoint()
            else if (action.end === 'collect') await blocks.collect()
            else if (action.end === 'look') {
              expect(await rowsOf(journal)).toEqual(model.rows())
            } else {
              const one = doing.get(by)
              if (one === undefined) continue
              doing.delete(by)
              if (action.end === 'rollback') {
                await one.transaction.rollback()
                continue
              }
              // Alone, and now, it would come to what it has seen.
              let alone: PlainTree | undefined = model
              for (const each of one.ops) alone = alone?.after(each)
              const seen =
                one.transaction.status().state === 'open' ? await rowsOf(one.transaction) : undefined
              try {
                await one.transaction.commit()
              } catch (error) {
                expect((error as JournalError).code).toBe('JOURNAL_CONFLICT')
                continue
              }
              expect(alone, 'what has committed could be done alone').toBeDefined()
              if (seen !== undefined) expect(seen).toEqual(alone!.rows())
              model = alone!
              expect(await rowsOf(journal)).toEqual(model.rows())
            }
          }
        }
        await using opened = await openOn(disk)
        expect(await rowsOf(opened.journal)).toEqual(model.rows())
      }),
      { numRuns: 150 * soak },
    )
  },
)

async function doneBy(files: Files, op: PlainOp): Promise<boolean> {
  try {
    switch (op.op) {
      case 'write':
        await files.write(op.path, Buffer.from(op.text))
        break
      case 'append':
        await files.append(op.path, Buffer.from(op.text))
        break
      case 'mkdir':
        await files.mkdir(op.path)
        break
      case 'rm':
        await files.rm(op.path, { recursive: op.recursive })
        break
      case 'mv':
        await files.mv(op.from, op.to)
        break
      case 'cp':
        await files.cp(op.from, op.to)
        break
      case 'mark':
        await files.setAttributes(op.path, { mark: op.value })
        break
    }
    return true
  } catch (error) {
    if (error instanceof JournalError && error.kind !== 'internal') return false
    throw error
  }
}

async function rowsOf(files: Files): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const visit = async (path: string): Promise<void> => {
    const { kind, attributes } = await files.stat(path)
    const isFolder = kind === 'directory'
    found.set(path, `${isFolder ? '/' : await textOf(files, path)} ${attributes?.['mark'] ?? ''}`)
    if (!isFolder) return
    const { entries } = await files.ls(path)
    for (const { name } of entries.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
      await visit(`${path === '/' ? '' : path}/${name}`)
    }
  }
  await visit('/')
  return found
}
