import assert from 'node:assert/strict'
import { moveOnAfter, shield, sleep } from '@ipfs-kit/concurrency'

const log: string[] = []

/** Says goodbye as it closes, which takes a while. */
class Connection implements AsyncDisposable {
  async [Symbol.asyncDispose](): Promise<void> {
    // Without a shield, this wait would reject in a scope that is cancelled, and nobody would be told goodbye.
    // The shield has a limit of its own: nothing from around it ends it.
    await shield(() =>
      moveOnAfter(1000, async () => {
        await sleep(1)
        log.push('goodbye')
      }),
    )
  }
}

const late = await moveOnAfter(5, async () => {
  await using _connection = new Connection()
  await sleep(60_000)
})
assert.equal(late, undefined)
assert.deepEqual(log, ['goodbye'])

// The same without a shield: the disposal is cut off at its first wait. That is the same cancellation, and no failure.
const cut = await moveOnAfter(5, async () => {
  await using _hasty = {
    async [Symbol.asyncDispose]() {
      await sleep(1)
      log.push('never')
    },
  }
  await sleep(60_000)
})
assert.equal(cut, undefined)
assert.deepEqual(log, ['goodbye'])
