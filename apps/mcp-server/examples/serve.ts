import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { openServer } from '@ipfs-kit/mcp-server'

// A server with a home of its own, which is removed at the end, on any free ports.
const server = await openServer({ isolated: true, config: { api: { port: 0 }, gateway: { port: 0 } } })

// Add a file over REST. The last line of the answer has the CID.
const token = (await readFile(server.tokenFile, 'utf8')).trim()
const added = await fetch(`${server.url}/api/v1/files/add?filename=hello.txt`, {
  method: 'POST',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
  body: 'hello from a CID',
})
assert.equal(added.status, 200)
const lines = (await added.text()).trim().split('\n')
const { cid } = JSON.parse(lines.at(-1) ?? '') as { cid: string }

// Read it from the gateway, where no token is needed.
const read = await fetch(`${server.gatewayUrl}/ipfs/${cid}`)
assert.equal(await read.text(), 'hello from a CID')

// The API without the token says what is missing.
const refused = await fetch(`${server.url}/api/v1/node/status`)
assert.equal(refused.status, 401)
assert.equal(((await refused.json()) as { code: string }).code, 'SERVER_TOKEN_MISSING')

await server.close()
