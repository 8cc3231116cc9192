import { mergeConfig } from 'vitest/config'
import shared from '../../tooling/vitest.config.ts'

export default mergeConfig(shared, {
  test: {
    // They run last, when no other package is left for the second processor.
    maxWorkers: 2,
    setupFiles: ['test/after-each-file.ts'],
  },
})
