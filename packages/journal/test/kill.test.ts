import { test } from 'vitest'
import { killInALoop } from './crash/kill-loop.ts'

/** How much is tried: more when the soak runs. */
const soak = Math.max(1, Number(process.env['IPFS_KIT_SOAK'] ?? 1))

test('what was answered is there after kill -9, whole, and nothing else', { timeout: 300_000 * soak }, () =>
  killInALoop(6 * soak),
)
