import { mergeConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import shared from '../../tooling/vitest.blockstore.config.ts'

/** Begins with the files that take longest, so that none of them is left to run alone at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => /\/(crash|every-byte|kill)\.test\.ts$/.test(moduleId)
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default mergeConfig(shared, {
  test: {
    // A third of all test time is here: two at once, or the other packages are over long before.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
  },
})
