/**
 * The process that dies: opens an old home and kills itself with SIGKILL when it is about to take step number so-and-so. A
 * step is a call of the file system that opens, changes or syncs something. When all has moved before that, it says `done`.
 *
 * Arguments: folder, number of the step.
 */
import fs from 'node:fs'
import { flushCompileCache, syncBuiltinESMExports } from 'node:module'

const [path = '', at = '0'] = process.argv.slice(2)
let step = 0

const names = [
  'open',
  'write',
  'writev',
  'fdatasync',
  'fsync',
  'rename',
  'unlink',
  'rmdir',
  'ftruncate',
] as const
const calls = fs as unknown as Record<string, (...given: unknown[]) => unknown>
for (const name of names) {
  const call = calls[name]!
  calls[name] = (...given) => {
    step += 1
    if (step === Number(at)) process.kill(process.pid, 'SIGKILL')
    return call(...given)
  }
}
syncBuiltinESMExports()

const { openIpfs } = await import('@ipfs-kit/ipfs')
// It dies before it would keep what it has compiled for the next one.
flushCompileCache()
const ipfs = await openIpfs({ path })
await ipfs.repo.gc()
await ipfs.close()
process.stdout.write('done')
