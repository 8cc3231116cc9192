/** D-2: how long an opening takes after kill -9. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { medianOf, round3 } from './rounds.ts'
import type { Measured, Row } from './row.ts'
import { type Opened, startWorker } from './worker.ts'

/** Changes that are made after the checkpoint. */
const since = 1000
/** So many changes that no checkpoint is made by itself. */
const never = 1_000_000

export const recovery: Row = {
  specs: [
    {
      id: 'D-2.recover',
      measure:
        'opening the node and its journal after kill -9 with 100,000 acknowledged files (--quick: 20,000) of which none is in a checkpoint',
      unit: 's',
      bar: '<= 5',
    },
    {
      id: 'D-2.checkpoint',
      measure: 'the same with a checkpoint that is 1,000 changes old',
      unit: 's',
      bar: '<= 0.3',
    },
  ],
  async measure({ folder, quick, log }) {
    const [rounds, files] = quick ? [1, 20_000] : [3, 100_000]
    const recovered: Opened[] = []
    const fromCheckpoint: Opened[] = []
    for (let round = 0; round < rounds; round += 1) {
      const path = join(folder, 'home')
      const open = async (worker: ReturnType<typeof startWorker>) =>
        worker.ask('open', { path, checkpointChanges: never })
      {
        await using worker = startWorker()
        await open(worker)
        await worker.ask('create', { from: 0, to: files })
        await worker.ask('createOn', { from: files })
        await worker.kill()
      }
      let found: number
      {
        await using worker = startWorker()
        recovered.push(await open(worker))
        found = (await worker.ask('check', { files })).found
        await worker.ask('checkpoint', {})
        await worker.ask('create', { from: found, to: found + since })
        await worker.kill()
      }
      {
        await using worker = startWorker()
        fromCheckpoint.push(await open(worker))
        await worker.ask('check', { files: found + since })
        await worker.ask('close', {})
      }
      await rm(path, { recursive: true })
      log(
        `D-2, round ${round + 1}: ${round3(waitedFor(recovered.at(-1)!))} s for ${found} files, ${round3(waitedFor(fromCheckpoint.at(-1)!))} s with a checkpoint`,
      )
    }
    return {
      'D-2.recover': measured(files, recovered),
      'D-2.checkpoint': measured(files, fromCheckpoint),
    }
  },
}

/** What a user waits for. */
function waitedFor({ node, journal }: Opened): number {
  return node + journal
}

function measured(files: number, all: readonly Opened[]): Measured {
  return {
    ...medianOf(all.map(waitedFor)),
    detail: {
      files,
      nodeSeconds: medianOf(all.map(({ node }) => node)).value,
      journalSeconds: medianOf(all.map(({ journal }) => journal)).value,
      cpuSeconds: medianOf(all.map(({ cpu }) => cpu)).value,
      changes: all.map(({ changes }) => changes),
      how: 'in a fresh process, first the node with its blocks, then the journal: nodeSeconds and journalSeconds are the parts, cpuSeconds what all threads of the process took for both; 64 writers were at work when the first one was killed; afterwards all names are looked for and some files read',
    },
  }
}
