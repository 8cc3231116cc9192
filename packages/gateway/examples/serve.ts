import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGateway } from '@ipfs-kit/gateway'
import { openIpfs } from '@ipfs-kit/ipfs'

const path = await mkdtemp(join(tmpdir(), 'ipfs-kit-'))
const ipfs = await openIpfs({ path })

// A folder with two files; the last item of an add is its summary, with the CID of the folder.
const entries = [
  { path: 'site/hello.txt', content: new TextEncoder().encode('hello from a CID') },
  { path: 'site/notes/today.md', content: new TextEncoder().encode('# Today') },
]
let cid = ''
for await (const item of ipfs.files.add(entries)) if ('cid' in item) cid = String(item.cid)

const gateway = createGateway({ ipfs })
const server = createServer(gateway.listener)
await once(server.listen(0, '127.0.0.1'), 'listening')
const address = server.address()
assert(address !== null && typeof address === 'object')
const url = `http://127.0.0.1:${address.port}/ipfs/${cid}`

const whole = await fetch(`${url}/hello.txt`)
assert.equal(await whole.text(), 'hello from a CID')
assert.equal(whole.headers.get('content-type'), 'text/plain; charset=utf-8')

const part = await fetch(`${url}/hello.txt`, { headers: { range: 'bytes=0-4' } })
assert.equal(part.status, 206)
assert.equal(await part.text(), 'hello')

const again = await fetch(`${url}/hello.txt`, {
  headers: { 'if-none-match': whole.headers.get('etag') ?? '' },
})
assert.equal(again.status, 304)

const listing = await fetch(url)
assert.match(await listing.text(), /href="\.\/notes"/)

const archive = await fetch(`${url}/notes?format=car`)
assert.equal(archive.headers.get('content-type'), 'application/vnd.ipld.car; version=1; order=dfs; dups=n')
console.log(`The archive of ${cid}/notes has ${(await archive.bytes()).length} bytes`)

server.closeAllConnections()
server.close()
await gateway.close()
await ipfs.close()
await rm(path, { recursive: true })
