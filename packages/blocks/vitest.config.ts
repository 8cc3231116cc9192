/**
 * The IPFS project's tests of blockstores import their assertions from a harness that is not installed: they get ours. It
 * changes how chai asserts, so it has one of its own: Vitest's is that of all files.
 */
import { fileURLToPath } from 'node:url'
import { mergeConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import shared from '../../tooling/vitest.config.ts'

/** Begins with the files that take longest, so that none of them is left to run alone at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => /\/(crash|every-byte|kill)\.test\.ts$/.test(moduleId)
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default mergeConfig(shared, {
  resolve: { alias: { 'aegir/chai': fileURLToPath(new URL('test/aegir-chai.ts', import.meta.url)) } },
  test: {
    server: { deps: { inline: ['interface-blockstore-tests', 'chai'] } },
    // A third of all test time is here: two at once, or the other packages are over long before.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
  },
})
