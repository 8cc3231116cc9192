import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { AbortError, cancelScope, checkpoint, moveOnAfter, shield, sleep } from '@ipfs-kit/concurrency'

// A scope is a part of the work that can be stopped alone. Cut off by its own cancellation, it gives undefined.
const log: string[] = []
const result = await cancelScope(async (scope) => {
  try {
    scope.cancel('not needed any more')
    await sleep(60_000)
    return 'never'
  } catch (error) {
    // Every wait in a cancelled scope rejects, with the same reason each time: swallowing one does not help.
    assert(error instanceof AbortError && error === scope.reason)
    assert.equal(error.source, 'explicit')
    await assert.rejects(checkpoint(), (again) => again === error)
    // What has to be finished is out of reach.
    await shield(async () => {
      await sleep(1)
      log.push('cleaned up')
    })
    throw error
  }
})
assert.equal(result, undefined)
assert.deepEqual(log, ['cleaned up'])

// For other APIs a scope has a standard signal, and a signal that is given cancels like a scope. Its reason passes untouched.
const server = createServer(() => undefined).listen(0, '127.0.0.1')
await once(server, 'listening')
const address = server.address()
assert(typeof address === 'object' && address !== null)
const url = `http://127.0.0.1:${address.port}/never-answers`
assert.equal(await moveOnAfter(20, (scope) => fetch(url, { signal: scope.signal })), undefined)
server.closeAllConnections()
server.close()

const abort = new AbortController()
const waiting = sleep(60_000, { signal: abort.signal })
const reason = new Error('the user left')
abort.abort(reason)
await assert.rejects(waiting, (error) => error === reason)
