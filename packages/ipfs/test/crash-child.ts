/**
 * The process that dies: adds or pins in the folder that it is given and kills itself with SIGKILL when it is about to
 * take step number so-and-so. A step is a call of the file system that opens, writes, syncs or removes a pack, or a value
 * that the call yields. When the call ends before that, it says `ended` with the root.
 *
 * Arguments: folder, `add` or `pin`, number of the step.
 */
import fs from 'node:fs'
import { flushCompileCache, syncBuiltinESMExports } from 'node:module'

const [path = '', what = '', at = '0'] = process.argv.slice(2)
let step = 0
let counting = false

/** The file system's calls as they are, but each counts as a step before it is made. */
for (const name of [
  'open',
  'write',
  'writeSync',
  'writev',
  'writevSync',
  'fdatasync',
  'fsync',
  'ftruncate',
  'unlink',
] as const) {
  const call = fs[name] as unknown as (...given: unknown[]) => unknown
  Object.assign(fs, {
    [name]: (...given: unknown[]) => {
      take()
      return call(...given)
    },
  })
}
syncBuiltinESMExports()

function take(): void {
  if (!counting) return
  step += 1
  if (step === Number(at)) process.kill(process.pid, 'SIGKILL')
}

const { openIpfs } = await import('@ipfs-kit/ipfs')
const { crashEntries } = await import('./crash-entries.ts')
const { parseCid } = await import('@ipfs-kit/ipfs')

// Most of these processes die before they would keep what they have compiled for the next one.
flushCompileCache()
const ipfs = await openIpfs({ path })
counting = true
let root = ''
if (what === 'add') {
  for await (const line of ipfs.files.add(crashEntries(), { chunkBytes: 16 })) {
    if ('items' in line) root = String(line.cid)
    take()
  }
} else {
  root = what
  for await (const _ of ipfs.pins.add(parseCid(what))) take()
}
take()
counting = false
process.stdout.write(`ended ${root} ${step}\n`)
await ipfs.close()
