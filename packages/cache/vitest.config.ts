/** The IPFS project's tests of blockstores import their assertions from a harness that is not installed: they get ours. */
import { fileURLToPath } from 'node:url'
import { mergeConfig } from 'vitest/config'
import shared from '../../tooling/vitest.config.ts'

export default mergeConfig(shared, {
  resolve: { alias: { 'aegir/chai': fileURLToPath(new URL('test/aegir-chai.ts', import.meta.url)) } },
  test: { server: { deps: { inline: ['interface-blockstore-tests', 'chai'] } } },
})
