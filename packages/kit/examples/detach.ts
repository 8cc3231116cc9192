import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKit } from '@ipfs-kit/kit'

const folder = await mkdtemp(join(tmpdir(), 'ipfs-kit-example-'))
const kit = await openKit({ home: folder, role: 'server' })
const cid = (await kit.ipfs.blocks.put(Buffer.from('hello'))).toString()

// Pin it without waiting: the answer is a job, which survives the end of this process.
const { job } = await kit.call('pins.add', { cid, detach: true })

// Any process that joins the server can see it, wait for it, or stop it.
const done = await kit.call('jobs.wait', { id: job })
assert.equal(done.state, 'completed')
assert.equal(done.percent, 100)

await kit.close()
await rm(folder, { recursive: true })
