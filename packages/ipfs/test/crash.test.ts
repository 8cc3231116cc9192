import { execFile } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { openIpfs, parseCid } from '@ipfs-kit/ipfs'
import { expect, it } from 'vitest'
import { crashEntries } from './crash-entries.ts'
import { added, all, drain, folder, pinned } from './opened.ts'

const child = fileURLToPath(new URL('./crash-child.ts', import.meta.url))

/** Runs the child until it ends or dies at a step. */
function run(path: string, what: string, step: number): Promise<{ signal: string | null; out: string }> {
  return new Promise((resolve, reject) => {
    const parameters = ['--conditions=@ipfs-kit/source', child, path, what, String(step)]
    execFile(process.execPath, parameters, (error, out, problems) => {
      if (error === null) resolve({ signal: null, out })
      else if (error.signal === 'SIGKILL') resolve({ signal: error.signal, out })
      else reject(new Error(problems))
    })
  })
}

/** Runs something for 1, 2, 3, … until it answers false, some at once. */
async function forEachStep(work: (step: number) => Promise<boolean>): Promise<number> {
  let next = 1
  let last = Number.POSITIVE_INFINITY
  const worker = async (): Promise<void> => {
    while (next < last) {
      const step = next
      next += 1
      if (!(await work(step))) last = Math.min(last, step)
    }
  }
  await Promise.all(Array.from({ length: Math.max(availableParallelism(), 2) }, worker))
  return last - 1
}

it('after kill -9 at any step of an add its pin is there and whole, or not there; then the add works', async () => {
  const outcomes = { pinned: 0, nothing: 0 }
  const steps = await forEachStep(async (step) => {
    const path = await folder()
    const { signal } = await run(path, 'add', step)
    const ipfs = await openIpfs({ path })
    try {
      const pins = await pinned(ipfs)
      outcomes[pins.length === 0 ? 'nothing' : 'pinned'] += 1
      // Walks and so checks each pin; what is not pinned goes.
      for (const cid of pins) await drain(ipfs.pins.add(parseCid(cid)))
      await ipfs.repo.gc()
      if (pins.length === 0) expect((await ipfs.repo.stat()).blocks).toBe(0)
      const { cid } = await added(ipfs, crashEntries(), { chunkBytes: 16 })
      if (pins.length > 0) expect(pins).toEqual([cid.toString()])
      const blocks = await all(ipfs.pins.add(cid))
      expect((await ipfs.repo.stat()).blocks).toBe(blocks.length)
      for (const block of blocks) await ipfs.blocks.get(block)
    } finally {
      await ipfs.close()
    }
    return signal === 'SIGKILL'
  })
  expect(steps).toBeGreaterThan(10)
  expect(outcomes.nothing).toBeGreaterThan(8)
  expect(outcomes.pinned).toBeGreaterThanOrEqual(2)
})

it('after kill -9 at any step of pins.add the pin is there, or not there; then it can be made', async () => {
  const prepared = await folder()
  const first = await openIpfs({ path: prepared })
  const { cid } = await added(first, crashEntries(), { chunkBytes: 16, pin: false })
  const { blocks } = await first.repo.stat()
  await first.close()
  let recorded = 0
  const steps = await forEachStep(async (step) => {
    const path = await folder()
    await cp(prepared, path, { recursive: true })
    const { signal } = await run(path, cid.toString(), step)
    const ipfs = await openIpfs({ path })
    try {
      const pins = await pinned(ipfs)
      expect(pins).toEqual(pins.length === 0 ? [] : [cid.toString()])
      recorded += pins.length
      await drain(ipfs.pins.add(cid))
      expect((await ipfs.repo.gc()).keptBlocks).toBe(blocks)
    } finally {
      await ipfs.close()
    }
    return signal === 'SIGKILL'
  })
  expect(steps).toBeGreaterThan(6)
  expect(recorded).toBeGreaterThanOrEqual(2)
})
