/** The one vitest configuration: every package re-exports it, so that settings cannot drift apart. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  ssr: { resolve: { conditions: ['@ipfs-kit/source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/vitest.json' },
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
