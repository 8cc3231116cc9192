import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTokens, readToken } from '@ipfs-kit/credentials'

const home = await mkdtemp(join(tmpdir(), 'ipfs-kit-'))

// The server, at its start.
const tokens = await openTokens({ path: join(home, 'tokens') })

// A program of the same user, which knows the path from the server's ready line.
const token = await readToken(tokens.tokenFile)
assert.ok(token)

// The server, for each request.
assert.deepEqual(tokens.verify(token), {
  id: 'default',
  scopes: ['content:read', 'content:write', 'pins', 'admin'],
})
assert.equal(tokens.verify('a guess'), undefined)

await rm(home, { recursive: true })
