/** Opens a home as a user who may not write it, and tells the error. Argument: path. */
import { KitError, openHome } from '@ipfs-kit/kit'

const nobody = 65_534
if (process.getuid?.() === 0) process.setuid?.(nobody)
try {
  await openHome({ path: process.argv[2] ?? '' })
  console.log(JSON.stringify({ opened: true }))
} catch (error) {
  if (!(error instanceof KitError)) throw error
  console.log(JSON.stringify({ opened: false, code: error.code, message: error.message }))
}
