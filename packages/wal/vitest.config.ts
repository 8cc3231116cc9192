import { mergeConfig } from 'vitest/config'
import shared from '../../tooling/vitest.config.ts'

// The crash tests and those of every byte take longest: they run side by side.
export default mergeConfig(shared, { test: { maxWorkers: 2 } })
