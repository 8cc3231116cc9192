import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childHandler, openWal } from '@ipfs-kit/wal'
import { z } from 'zod'

const folder = await mkdtemp(join(tmpdir(), 'wal-'))
const wal = await openWal({
  path: join(folder, 'operations'),
  types: {
    'custom:nonce': childHandler({
      // Its default export is what `run` of a handler is; each attempt runs in a process of its own.
      module: new URL('./find-nonce.ts', import.meta.url),
      params: z.strictObject({ text: z.string(), zeros: z.int().min(1).max(8) }),
      result: z.object({ nonce: z.int() }),
      nodeArgs: ['--max-old-space-size=256'],
      silentMs: 10_000,
    }),
  },
})

const { operation } = await wal.append({ type: 'custom:nonce', params: { text: 'ipfs-kit', zeros: 4 } })
const done = await wal.wait(operation.id)
assert.equal(done.state, 'completed')
assert.deepEqual(done.result, { nonce: 81_218 })

await wal.close()
await rm(folder, { recursive: true })
