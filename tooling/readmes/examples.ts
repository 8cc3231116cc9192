/** Checks that the examples of a package are run by its tests and shown by its README. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from '../findings.ts'
import { fenceSources } from './fences.ts'

/** The test that runs each example in a process of its own. */
const runner = 'test/examples.test.ts'

/** The TypeScript files directly in `examples/`, by name. */
export function exampleFiles(folder: string): string[] {
  const path = join(folder, 'examples')
  if (!existsSync(path)) return []
  return readdirSync(path)
    .filter((name) => name.endsWith('.ts'))
    .sort()
}

/** `place` is the package's folder from the workspace root, `folder` the absolute one, `readme` the README's text. */
export function checkExamples(place: string, folder: string, readme: string): Finding[] {
  const names = exampleFiles(folder)
  if (names.length === 0) {
    return [
      {
        file: `${place}/examples`,
        problem: 'has no example',
        remedy: 'write examples/NAME.ts that shows and asserts the main use',
      },
    ]
  }
  const found: Finding[] = []
  if (!fenceSources(readme).some((source) => source.startsWith('examples/'))) {
    found.push({
      file: `${place}/README.md`,
      problem: 'shows none of the examples',
      remedy: 'write <!-- from examples/NAME.ts --> above a fence of ts',
    })
  }
  if (!existsSync(join(folder, runner))) {
    found.push({
      file: `${place}/${runner}`,
      problem: 'is missing, so that nothing runs the examples',
      remedy: 'copy it from another package',
    })
    return found
  }
  const test = readFileSync(join(folder, runner), 'utf8')
  // The runner either reads the folder, and so runs every file in it, or names each file.
  const readsFolder = /\b(readdir|readdirSync|glob|globSync)\(/.test(test) && test.includes('examples')
  for (const name of readsFolder ? [] : names.filter((one) => !test.includes(one))) {
    found.push({
      file: `${place}/examples/${name}`,
      problem: `is not run by ${runner}`,
      remedy: 'let that test read the folder',
    })
  }
  return found
}
