import { mergeConfig } from 'vitest/config'
import shared from '../../tooling/vitest.config.ts'

export default mergeConfig(shared, {
  test: {
    // They run last, when no other package is left for the second processor.
    maxWorkers: 2,
    setupFiles: ['test/after-each-file.ts'],
    // A start takes a third of a second, and many times that on a busy machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
