/**
 * The settings of a package that runs the IPFS project's tests of blockstores. These import their assertions from a harness
 * that is not installed: they get ours. It changes how chai asserts, so it has one of its own: Vitest's is that of all files.
 */
import { fileURLToPath } from 'node:url'
import { mergeConfig } from 'vitest/config'
import shared from './vitest.config.ts'

export default mergeConfig(shared, {
  resolve: { alias: { 'aegir/chai': fileURLToPath(new URL('aegir-chai.ts', import.meta.url)) } },
  test: { server: { deps: { inline: ['interface-blockstore-tests', 'chai'] } } },
})
