/** The process of one import of a tree: `amount` is the number of its files. */
import { rm } from 'node:fs/promises'
import { answer } from './answer.ts'
import { KiB, Pool } from './content.ts'
import { openImport } from './importing.ts'
import { peakMiB, resetPeak, residentMiB } from './memory.ts'

answer({
  async import({ flavour, path, amount, seed }) {
    const open = openImport[flavour]
    if (open === undefined) throw new Error(`There is no way to import called ${flavour}`)
    const pool = new Pool(seed)
    try {
      await using way = await open(path)
      globalThis.gc?.()
      const before = residentMiB()
      resetPeak()
      const began = performance.now()
      const cid = await way.add(tree(pool, amount))
      const seconds = (performance.now() - began) / 1000
      return { seconds, grownMiB: peakMiB() - before, cid }
    } finally {
      await rm(path, { recursive: true, force: true })
    }
  },
})

/** Files of 4 KiB in 100 folders, one folder after the other. */
function* tree(pool: Pool, files: number) {
  for (let number = 0; number < files; number += 1) {
    const folder = Math.floor(number / (files / 100))
    yield { path: `tree/folder-${folder}/file-${number}.bin`, content: pool.take(4 * KiB) }
  }
}
