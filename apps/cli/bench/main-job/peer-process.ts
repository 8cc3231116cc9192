/** Imports `argv[2]` into a file blockstore at `argv[3]`, with the importer's own defaults but for the CID profile. */
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { FsBlockstore } from 'blockstore-fs'
import { importer } from 'ipfs-unixfs-importer'

const [source = '', location = ''] = process.argv.slice(2)
const store = new FsBlockstore(location)
await store.open()
const started = performance.now()
for await (const _ of importer(candidates(), store, { profile: 'unixfs-v1-2025' }));
const seconds = (performance.now() - started) / 1000
process.send?.({ seconds })

async function* candidates() {
  if ((await stat(source)).isFile()) {
    yield { path: basename(source), content: createReadStream(source) }
    return
  }
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    yield { path: relative(dirname(source), path), content: await readFile(path) }
  }
}
