import { test } from 'vitest'
import { killInALoop } from './crash/kill-loop.ts'

// Beside the other services, since a hundred processes take a minute and more.
test('what was answered is there after each of a hundred kills', { timeout: 900_000 }, () => killInALoop(100))
