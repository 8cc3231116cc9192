/**
 * A process that promises and does operations until it is killed, or kills itself. It says what was acknowledged, and what a
 * handler begins and does.
 */
import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { openWal, type HandlerContext } from '@ipfs-kit/wal'
import { z } from 'zod'

// It dies before it would keep what it has compiled for the next one.
flushCompileCache()
const [path = '', what = 'load'] = process.argv.slice(2)
/** A line is said at once, or not at all. */
const say = (...words: (string | number)[]): void => void writeSync(1, `${words.join(' ')}\n`)

const work = async (_: unknown, { operation }: HandlerContext): Promise<string> => {
  say('begin', operation.id, operation.attemptCount)
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
  if (Math.random() < 0.2) throw new Error('not this time')
  say('done', operation.id)
  return 'done'
}
const wal = await openWal({
  path,
  segmentBytes: 1_048_576,
  types: {
    pin: { params: z.looseObject({}), run: work, maxAttempts: 100 },
    'custom:killer': {
      params: z.looseObject({}),
      maxAttempts: 2,
      run: (__, { operation }) => {
        say('begin', operation.id, operation.attemptCount)
        process.kill(process.pid, 'SIGKILL')
      },
    },
  },
  concurrency: 8,
  retryBaseMs: 1,
  retryMaxMs: 5,
})
say('open', wal.stats().epoch)
if (what === 'killer') {
  const { operation } = await wal.append({ type: 'custom:killer', params: {}, key: 'the killer' })
  await wal.wait(operation.id)
} else {
  const client = async (name: string): Promise<void> => {
    for (let nth = 0; ; nth += 1) {
      const { operation } = await wal.append({ type: 'pin', params: { name, nth } })
      say('promised', operation.id)
      if (nth % 3 === 0) say('ended', operation.id, (await wal.wait(operation.id)).state)
    }
  }
  await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(client))
}
