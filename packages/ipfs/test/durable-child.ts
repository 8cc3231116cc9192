/**
 * Whether what is answered is on the disk: watches the calls of the file system that the node makes. Every claim is
 * asserted here; it exits 0 when all hold. Argument: an empty folder.
 */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { basename, dirname } from 'node:path'

const [path = ''] = process.argv.slice(2)

type Callback = (error: unknown, result: unknown) => void
type Call = (...given: unknown[]) => unknown

const paths = new Map<unknown, string>()
/** Kept packs with bytes that no sync covers, and folders with names that none covers. */
const unsynced = new Set<string>()
let syncs = 0

/** Watches a call that ends in a callback: `before` runs when it begins, `after` when it has succeeded. */
function watch(name: keyof typeof fs, before: Call, after: Call): void {
  const call = fs[name] as Call
  Object.assign(fs, {
    [name]: (...given: unknown[]) => {
      const done = given.pop() as Callback
      before(...given)
      return call(...given, (error: unknown, result: unknown) => {
        if (error === null || error === undefined) after(...given, result)
        done(error, result)
      })
    },
  })
}

function isPack(file: string | undefined): file is string {
  return file !== undefined && basename(file).startsWith('kept-')
}

watch(
  'open',
  (file) => {
    if (isPack(file as string) && !fs.existsSync(file as string)) unsynced.add(dirname(file as string))
  },
  (file, ...rest) => paths.set(rest.at(-1), file as string),
)
for (const name of ['write', 'writev'] as const) {
  watch(
    name,
    (fd) => {
      const file = paths.get(fd)
      if (isPack(file)) unsynced.add(file)
    },
    () => {},
  )
}
for (const name of ['fdatasync', 'fsync'] as const) {
  watch(
    name,
    () => {},
    (fd) => {
      syncs += 1
      unsynced.delete(paths.get(fd) ?? '')
    },
  )
}
syncBuiltinESMExports()

const { openIpfs, parseCid } = await import('@ipfs-kit/ipfs')
const { added, addFile, concat, drain, pattern } = await import('./opened.ts')
const ipfs = await openIpfs({ path })
const other = await openIpfs({ path: `${path}-other` })

/** Runs a call that ends in a pin: when it answers, nothing is unsynced, and something was synced since it began. */
async function durably<T>(what: string, work: () => Promise<T>): Promise<T> {
  const before = syncs
  const answer = await work()
  assert.deepEqual([...unsynced], [], what)
  assert.ok(syncs > before, `${what} synced nothing`)
  return answer
}

await durably('an add', () => added(ipfs, [{ path: 'd/a', content: pattern(3_000_000) }]))
for await (const line of ipfs.files.add([{ path: 'b', content: pattern(1000, 2) }])) {
  if ('items' in line) assert.deepEqual([...unsynced], [], 'the summary of an add')
}
const elsewhere = await addFile(other, pattern(500_000, 3))
await durably('an import', async () => ipfs.car.import(await other.car.export(elsewhere.toString())))
await durably('a node that is put', () => ipfs.dag.put({ a: 1 }, { pin: true }))
await durably('a block that is put', () => ipfs.blocks.put(pattern(100, 4), { pin: true }))
const cached = await addFile(ipfs, pattern(100_000, 5), { pin: false })
await durably('a pin of what was cache', () => drain(ipfs.pins.add(parseCid(cached.toString()))))
assert.equal((await concat((await ipfs.files.cat(cached.toString())).body)).length, 100_000)
await ipfs.close()
await other.close()
process.stdout.write('all held\n')
