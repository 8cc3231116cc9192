import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTokens, readToken } from '@ipfs-kit/credentials'

const home = await mkdtemp(join(tmpdir(), 'ipfs-kit-'))

// The server, at its start.
const tokens = await openTokens({ path: join(home, 'tokens') })

// A program of the same user, which knows the path from the server's ready line.
const own = await readToken(tokens.tokenFile)
assert.ok(own)

// One for somebody else, who may pin and nothing more. This is the only time that it is shown.
const { token, expiresAt } = await tokens.create({ name: 'ci', scopes: ['pins'] })
assert.equal(Math.round((expiresAt - Date.now()) / 86_400_000), 90)

// The server, for each request.
assert.deepEqual(tokens.verify(own)?.scopes, ['content:read', 'content:write', 'pins', 'admin'])
assert.deepEqual(tokens.verify(token), { id: 'ci', scopes: ['pins'] })
assert.equal(tokens.verify('a guess'), undefined)

assert.equal(await tokens.revoke('ci'), true)
assert.throws(() => tokens.verify(token), { code: 'CREDENTIALS_TOKEN_REVOKED' })

await rm(home, { recursive: true })
