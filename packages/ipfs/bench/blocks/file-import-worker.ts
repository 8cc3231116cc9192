/** The process of one import of one file: `amount` is its bytes. */
import { rm } from 'node:fs/promises'
import { answer } from './answer.ts'
import { KiB, MiB, Pool } from './content.ts'
import { openImport } from './importing.ts'
import { peakMiB, resetPeak, residentMiB } from './memory.ts'

answer({
  async import({ flavour, path, amount, seed }) {
    const open = openImport[flavour]
    if (open === undefined) throw new Error(`There is no way to import called ${flavour}`)
    const pool = new Pool(seed)
    try {
      await using way = await open(path)
      // What runs for the first time is not what is measured.
      await way.add([{ path: 'first.bin', content: pool.stream(32 * MiB, 64 * KiB) }])
      globalThis.gc?.()
      const before = residentMiB()
      resetPeak()
      const began = performance.now()
      const cid = await way.add([{ path: 'file.bin', content: pool.stream(amount, 64 * KiB) }])
      const seconds = (performance.now() - began) / 1000
      return { seconds, grownMiB: peakMiB() - before, cid }
    } finally {
      await rm(path, { recursive: true, force: true })
    }
  },
})
