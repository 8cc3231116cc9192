/** Adds through the HTTP door of a server, and reads everything back. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createClient } from '@ipfs-kit/client'
import type { KitTable } from '@ipfs-kit/kit'
import type { FileEntry } from '@ipfs-kit/operations'
import { walkFiles } from '@ipfs-kit/operations/cli'
import { extract } from 'tar-stream'
import type { Sample } from './content.ts'
import type { ServerProcess } from './server-process.ts'

/** What it took. */
export interface Times {
  /** From the call to its summary: uploaded, stored and pinned. */
  readonly seconds: number
  /** Reading it back with its digests. */
  readonly readSeconds: number
}

/** Adds one file as a body and reads it by its CID. */
export async function addFile(server: ServerProcess, file: Sample): Promise<Times> {
  const [[name, digest] = ['', '']] = file.digests
  const content = createReadStream(file.path, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>
  const { cid, seconds } = await add(server, [{ path: name, content }])
  const started = performance.now()
  const { body } = await clientOf(server).call('files.cat', { cid })
  const hash = createHash('sha256')
  for await (const chunk of body) hash.update(chunk)
  assert.equal(hash.digest('hex'), digest)
  return { seconds, readSeconds: (performance.now() - started) / 1000 }
}

/** Adds a tree in one request, as the command does, and reads it as one archive. */
export async function addTree(server: ServerProcess, tree: Sample): Promise<Times> {
  const { cid, seconds } = await add(server, walkFiles([tree.path]))
  const started = performance.now()
  const { body } = await clientOf(server).call('files.get', { cid })
  const archive = extract()
  const feeding = (async () => {
    for await (const chunk of body)
      if (!archive.write(chunk)) await new Promise((go) => archive.once('drain', () => go(undefined)))
    archive.end(undefined)
  })()
  const left = new Map(tree.digests)
  for await (const entry of archive) {
    const hash = createHash('sha256')
    for await (const chunk of entry) hash.update(chunk as Uint8Array)
    if (entry.header.type !== 'file') continue
    const path = `tree/${entry.header.name.split('/').slice(1).join('/')}`
    assert.equal(hash.digest('hex'), left.get(path), path)
    left.delete(path)
  }
  await feeding
  assert.equal(left.size, 0)
  return { seconds, readSeconds: (performance.now() - started) / 1000 }
}

async function add(
  server: ServerProcess,
  body: AsyncIterable<FileEntry> | Iterable<FileEntry>,
): Promise<{ readonly cid: string; readonly seconds: number }> {
  const started = performance.now()
  let cid: string | undefined
  for await (const line of await call(server, body)) if ('items' in line) cid = line.cid
  const seconds = (performance.now() - started) / 1000
  assert.ok(cid !== undefined)
  return { cid, seconds }
}

function call(server: ServerProcess, body: AsyncIterable<FileEntry> | Iterable<FileEntry>) {
  return clientOf(server).call('files.add', {}, { body })
}

function clientOf({ url, token }: ServerProcess) {
  return createClient<KitTable>({ url, token })
}
