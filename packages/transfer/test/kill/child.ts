/** A process with a log of operations that runs a transfer until it is killed, or the job has ended. Says a line for each object. */
import { join } from 'node:path'
import { delegate } from '@ipfs-kit/storage/testing'
import { backendEnd, transferJobs } from '@ipfs-kit/transfer'
import { openWal, type OperationTypeName } from '@ipfs-kit/wal'
import { folderBackend } from './folder-backend.ts'

const [home = '', type = '', params = ''] = process.argv.slice(2)
const say = (...words: readonly unknown[]): void => void process.stdout.write(`${words.join(' ')}\n`)

const types = transferJobs({
  async openEnd(address) {
    const [store = '', key = ''] = address.split(':')
    const folder = await folderBackend(join(home, store), store)
    const saying = delegate(folder, {
      async put(key_, body, options) {
        const stat = await folder.put(key_, body, options)
        say('put', store, key_)
        return stat
      },
      async delete(key_) {
        await folder.delete(key_)
        say('deleted', store, key_)
      },
    })
    return { end: backendEnd(saying, key), [Symbol.asyncDispose]: () => folder.close() }
  },
})
const wal = await openWal({ path: join(home, 'log'), types, retryBaseMs: 1 })
const unfinished = await wal.list({ states: ['queued', 'running', 'retrying'], limit: 1 })
const [
  operation = (await wal.append({ type: type as OperationTypeName, params: JSON.parse(params) })).operation,
] = unfinished.operations
say('job', operation.id)
const { state, result, failure, attemptCount } = await wal.wait(operation.id)
say('ended', state, attemptCount, JSON.stringify(result ?? failure))
await wal.close()
// Whoever waits for it expects that.
process.kill(process.pid, 'SIGKILL')
