import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openWal, type OperationTypes } from '@ipfs-kit/wal'
import { z } from 'zod'

const folder = await mkdtemp(join(tmpdir(), 'wal-'))
const path = join(folder, 'operations')
const photo = 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'
const uploaded = new Map<string, string>()
let failures = 1

const types: OperationTypes = {
  upload: {
    params: z.strictObject({ cid: z.string(), bucket: z.string() }),
    result: z.object({ etag: z.string() }),
    // What retainedCids() tells as long as it is unfinished, for who keeps blocks.
    cids: ({ cid }) => [cid],
    // It may run again for what it has done: so it does the same each time.
    async run({ cid, bucket }, { progress, followUp }) {
      progress({ stage: 'sends', bytes: 0, totalBytes: 5 })
      if (failures > 0) {
        failures -= 1
        throw new Error('connection reset')
      }
      uploaded.set(`${bucket}/${cid}`, cid)
      // It is in the log together with the completion of this one, or not at all.
      followUp({ type: 'unpin', params: { cid } })
      return { etag: `"${cid}"` }
    },
  },
  unpin: { params: z.strictObject({ cid: z.string() }), run: () => undefined },
}

{
  await using wal = await openWal({ path, types, backends: { s3: { limit: 4 } }, retryBaseMs: 10 })

  // It resolves when the promise survives a power loss. The same key does not promise it twice.
  const asked = {
    type: 'upload',
    params: { cid: photo, bucket: 'photos' },
    backend: 's3',
    key: `photos/${photo}`,
  } as const
  const { operation } = await wal.append(asked)
  assert.equal((await wal.append(asked)).isNew, false)

  // The first attempt fails, the second one does not.
  const done = await wal.wait(operation.id)
  assert.equal(done.state, 'completed')
  assert.deepEqual(done.result, { etag: `"${photo}"` })
  assert.deepEqual(
    done.attempts.map(({ outcome }) => outcome),
    ['failed', 'completed'],
  )

  await assert.rejects(wal.append({ type: 'upload', params: { cid: 5 } }), { code: 'WAL_PARAMS_INVALID' })
  await assert.rejects(wal.append({ type: 'pin', params: {} }), { code: 'WAL_TYPE_UNKNOWN' })
}

// What has changed is told from any number on that the log still has, each operation in its latest state.
await using wal = await openWal({ path, types })
const told: string[] = []
for await (const change of wal.follow({ from: 1 })) {
  if (!('operation' in change)) continue
  told.push(`${change.operation.type} ${change.operation.state}`)
  if (told.length === 2) break
}
assert.deepEqual(told, ['upload completed', 'unpin completed'])
assert.equal(await wal.deleteFinished(), 2)

await wal.close()
await rm(folder, { recursive: true })
