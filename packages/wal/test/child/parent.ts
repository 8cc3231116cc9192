/** A process whose log runs a handler in a child process, until it is killed. */
import { childHandler, openWal } from '@ipfs-kit/wal'
import { z } from 'zod'

const [path = '', does = '', pidFile = ''] = process.argv.slice(2)
const pin = childHandler({
  params: z.looseObject({}),
  module: new URL('handler.ts', import.meta.url),
  heartbeatMs: 100,
})
const wal = await openWal({ path, types: { pin }, segmentBytes: 1_048_576 })
const { operation } = await wal.append({ type: 'pin', params: { does, pidFile } })
await wal.wait(operation.id)
