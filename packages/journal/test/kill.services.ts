import { test } from 'vitest'
import { killInALoop } from './crash/kill-loop.ts'

// Beside the other services, since a hundred processes take minutes.
test.each([1, 2, 3, 4])(
  'what was answered is there after each of a hundred kills, the %dth quarter of them',
  { timeout: 900_000 },
  () => killInALoop(25),
)
