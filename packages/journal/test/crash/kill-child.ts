/**
 * A process that says what it finds in a journal, and then changes it until it is killed. Each change is said before it is begun and
 * once it was answered.
 */
import { flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { openBlocks } from '@ipfs-kit/blocks'
import { linksOf } from '@ipfs-kit/ipfs/unixfs'
import { type Files, type Journal, openJournal } from '@ipfs-kit/journal'
import fc from 'fast-check'
import { doneOn, fullRowsOf } from '../plain-files.ts'
import { anyOp, anyStep } from '../plain-ops.ts'
import { plainClock, type PlainOp } from '../plain-tree.ts'
import { briefRow, lineEnd, type Said } from './kill-lines.ts'

// It dies before it would keep what it has compiled for the next one.
flushCompileCache()
const [home = '', seed = '0', what = 'change'] = process.argv.slice(2)
const say = (line: Said): void => {
  // To a pipe this is done when it returns, however long the line is.
  process.stdout.write(`${JSON.stringify(line)}${lineEnd}\n`)
}

/** In every other round nobody asks for a checkpoint: they are made beside the changes, the first one of so much that it waits for some. */
const isAsking = Number(seed) % 2 === 0

let opened: Journal | undefined
const blocks = await openBlocks({
  path: join(home, 'blocks'),
  claims: () => opened?.claims() ?? [],
  retained: () => opened?.roots() ?? [],
  links: linksOf,
})
const journal = await openJournal({
  path: join(home, 'journal'),
  blocks,
  segmentBytes: 2 * 1024 * 1024,
  checkpointChanges: isAsking ? 100 : 20,
  clock: () => plainClock,
})
opened = journal
const rows = [...(await fullRowsOf(journal))].map(([path, row]) => [path, briefRow(row)] as const)
const { passed, findings } = journal.recovery
say({ rows, harms: [...passed, ...findings.filter(({ kind }) => kind !== 'torn-tail')].length })

/** Changes a folder of its own, one change after the other. */
async function change(folder: string): Promise<void> {
  const inFolder = (path: string): string => (path === '/' ? folder : `${folder}${path}`)
  const random = { seed: Number(seed) * 10 + Number(folder.at(-1)), numRuns: 2000 }
  const changes = fc.sample(
    fc.oneof(
      anyOp.map((op) => [op]),
      fc.array(anyStep, { minLength: 2, maxLength: 4 }),
    ),
    random,
  )
  for (const steps of [[{ op: 'mkdir', path: '/' } as const], ...changes]) {
    const ops = steps.map((op): PlainOp =>
      'to' in op
        ? { ...op, from: inFolder(op.from), to: inFolder(op.to) }
        : { ...op, path: inFolder(op.path), ...('from' in op && { from: inFolder(op.from) }) },
    )
    say({ folder, begins: ops })
    const codes = ops.length === 1 ? [await done(journal, ops[0]!)] : await inTransaction(ops)
    say({ folder, answers: codes.map((code) => code ?? null) })
    await keep()
  }
}

const done = (files: Files, op: PlainOp) =>
  doneOn({ files, flush: (path, options) => journal.flush(path, options) }, op)

async function inTransaction(ops: readonly PlainOp[]) {
  await using transaction = journal.begin()
  const codes: Awaited<ReturnType<typeof done>>[] = []
  for (const op of ops) codes.push(await done(transaction, op))
  await transaction.commit()
  return codes
}

let count = 0
/** Checkpoints, snapshots and collections come in between. */
async function keep(): Promise<void> {
  const nth = (count += 1)
  if (isAsking && nth % 40 === 0) await journal.checkpoint()
  if (isAsking && nth % 90 === 0) {
    const name = `${seed}-${nth}`
    await journal.snapshot(name)
    await journal.removeSnapshot(name)
  }
  if (nth % 70 === 0) await blocks.collect()
}

/** Folders of which nobody knows. */
async function crowd(): Promise<void> {
  await using transaction = journal.begin()
  for (let nth = 0; nth < 200; nth += 1) await transaction.mkdir(`/crowd/${seed}/${nth}`, { parents: true })
  await transaction.commit()
}

if (what === 'write') {
  const { cid } = await journal.checkpoint()
  say({ root: cid.toString() })
  process.kill(process.pid, 'SIGKILL')
}
if (!isAsking) await crowd()
await Promise.all(['/w0', '/w1', '/w2', '/w3'].map(change))
