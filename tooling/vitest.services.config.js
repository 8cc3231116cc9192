/**
 * The tests that need more than npm packages: `test/NAME.services.ts`, run by `pnpm test:services`. A test whose service
 * is not there fails and names it.
 */
import { defineConfig } from 'vitest/config'
import config from './vitest.config.ts'
export default defineConfig({
  ...config,
  test: {
    ...config.test,
    include: ['test/**/*.services.ts'],
    outputFile: { json: 'reports/services.json' },
  },
})
//# sourceMappingURL=vitest.services.config.js.map
