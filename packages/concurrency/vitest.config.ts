import { mergeConfig } from 'vitest/config'
import shared from '../../tooling/vitest.config.ts'

// The files share nothing that they change: one process for many of them saves half of the time.
export default mergeConfig(shared, { test: { isolate: false } })
