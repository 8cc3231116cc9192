/** Checks that the examples of a package are run by its tests and shown by its README. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fenceSources } from './fences.ts'
/** The test that runs each example in a process of its own. */
const runner = 'test/examples.test.ts'
/** The examples, directly in `examples/`, by name: TypeScript that imports the package, scripts that run its commands. */
export function exampleFiles(folder) {
  const path = join(folder, 'examples')
  if (!existsSync(path)) return []
  return readdirSync(path)
    .filter((name) => name.endsWith('.ts') || name.endsWith('.sh'))
    .sort()
}
/** `readme` is the text of the package's README. */
export function checkExamples({ folder, path, manifest }, readme) {
  const names = exampleFiles(path)
  const ending = mainEnding(manifest)
  if (!names.some((name) => name.endsWith(ending))) {
    return [
      {
        file: `${folder}/examples`,
        problem: 'has no example',
        remedy: `write examples/NAME${ending} that shows and asserts the main use`,
      },
    ]
  }
  const found = []
  if (!fenceSources(readme).some((source) => source.startsWith('examples/') && source.endsWith(ending))) {
    found.push({
      file: `${folder}/README.md`,
      problem: 'shows none of the examples',
      remedy: `write <!-- from examples/NAME${ending} --> above a fence of ${ending.slice(1)}`,
    })
  }
  if (!existsSync(join(path, runner))) {
    found.push({
      file: `${folder}/${runner}`,
      problem: 'is missing, so that nothing runs the examples',
      remedy: 'copy it from another package',
    })
    return found
  }
  const test = readFileSync(join(path, runner), 'utf8')
  // The runner names each file or reads the folder; one that runs scripts by a shell picks them by their ending.
  const readsFolder = /\b(readdir|readdirSync|glob|globSync)\(/.test(test) && test.includes('examples')
  const isRun = (name) =>
    test.includes(name) || (readsFolder && (name.endsWith('.ts') || test.includes('.sh')))
  for (const name of names.filter((one) => !isRun(one))) {
    found.push({
      file: `${folder}/examples/${name}`,
      problem: `is not run by ${runner}`,
      remedy: 'let that test read the folder',
    })
  }
  return found
}
/** The ending of the example that a package needs: one with commands and nothing to import shows the commands. */
function mainEnding({ exports, bin }) {
  const exported = typeof exports === 'object' && exports !== null ? Object.keys(exports) : ['.']
  return bin !== undefined && exported.every((name) => name === './package.json') ? '.sh' : '.ts'
}
//# sourceMappingURL=examples.js.map
