export { default } from '../../tooling/vitest.blockstore.config.ts'
