/**
 * The pack store and the node over it, beside Helia's file blockstore and importer. Each row runs in a process of its
 * own, one after the other; the contenders of a row take turns, whoever begins alternating, and a value is the median of
 * the ratios of the rounds. What a round has written is removed before the next one, so that the page cache is recycled.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rowIds, rows } from './blocks/rows.ts'
import type { Options, Result, Row } from './blocks/row.ts'
import { startWorker } from './blocks/worker.ts'

/** What the runner of the benches calls. */
export default { area: 'blocks', ids: rowIds, run }

async function run({ quick, only, log }: Options): Promise<Result[]> {
  const results: Result[] = []
  for (const [name, row] of Object.entries(rows)) {
    const wanted = row.specs.filter(({ id }) => only === undefined || only.has(id))
    if (wanted.length > 0)
      results.push(...(await runRow(name, row, { quick, only: new Set(wanted.map(({ id }) => id)), log })))
  }
  return results
}

/** A row in its process. One that fails gives results without a value. */
async function runRow(name: string, row: Row, { quick, only, log }: Required<Options>): Promise<Result[]> {
  const specs = row.specs.filter(({ id }) => only.has(id))
  const began = performance.now()
  let folder: string | undefined
  try {
    // Made and removed here: a process that dies removes nothing.
    folder = await mkdtemp(join(tmpdir(), 'ipfs-kit-bench-blocks-'))
    await using worker = startWorker(new URL('blocks/row-worker.ts', import.meta.url), log)
    const measured = await worker.ask('measure', { name, quick, only: [...only], folder })
    return specs.map((spec) => {
      const one = measured[spec.id]
      if (one === undefined) return { ...spec, value: null, why: 'the row gave no value for it' }
      return { ...spec, ...one }
    })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    log(`${name} failed: ${why}`)
    return specs.map((spec) => ({ ...spec, value: null, why }))
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
    log(`${name} took ${((performance.now() - began) / 1000).toFixed(0)} s`)
  }
}
