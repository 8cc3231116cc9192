import { test } from 'vitest'
import { killInALoop } from './crash/kill-loop.ts'

// Beside the other services, since a hundred processes take minutes.
test('what was answered is there after each of a hundred kills', { timeout: 1_800_000 }, () =>
  killInALoop(100),
)
