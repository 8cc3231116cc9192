/** The one vitest configuration: every package re-exports it, so that settings cannot drift apart. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Where Node keeps what it compiled of our sources: a test that starts processes waits for little else. */
const compileCache = fileURLToPath(new URL('../node_modules/.cache/ipfs-kit-compiled', import.meta.url))

export default defineConfig({
  ssr: { resolve: { conditions: ['@ipfs-kit/source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/vitest.json' },
    pool: 'forks',
    // One process for many files, which share nothing that they change: sources are read and compiled once.
    isolate: false,
    // What was transformed is kept for the next run, in the `node_modules` of the workspace.
    fsModuleCache: true,
    env: { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? compileCache },
    // A test that hangs is found; one that computes on a busy machine has its time.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
  },
})
