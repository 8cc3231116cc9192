/** The process of a row. */
import { answer } from './answer.ts'
import { rows } from './rows.ts'

answer({
  async measure({ name, quick, only, folder }, log) {
    const row = rows[name]
    if (row === undefined) throw new Error(`There is no row ${name}`)
    return row.measure({ quick, only: new Set(only), folder, log })
  },
})
