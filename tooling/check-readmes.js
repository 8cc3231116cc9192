/**
 * Holds the READMEs and the pages in `docs/` of the packages true: fences equal the example files, error tables equal the
 * sources, links lead to files, the root README shows the two commands and lists every package. Run by `pnpm lint`; exits
 * 1 if anything is found. With `--fix` (`pnpm readmes`) it first writes fences and error tables from the sources.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { reportFindings } from './findings.ts'
import { checkErrorTable, fillErrorTable, loadErrors } from './readmes/error-table.ts'
import { checkExamples } from './readmes/examples.ts'
import { checkFences, fillFences } from './readmes/fences.ts'
import { checkLinks } from './readmes/links.ts'
import { checkRootReadme } from './readmes/root.ts'
import { readPackages, workspaceRoot } from './workspace.ts'
/** Checks all READMEs of the workspace at `root`; `fix` writes what can be written from the sources first. */
export async function checkReadmes(root, fix) {
  const found = checkPage(root, '.', 'README.md', fix, undefined, (text) => checkRootReadme(root, text))
  for (const one of readPackages(root)) {
    const { folder, path } = one
    let errors
    try {
      errors = await loadErrors(path)
    } catch (error) {
      found.push({
        file: `${folder}/src/errors.ts`,
        problem: `has no usable error table: ${error instanceof Error ? error.message : String(error)}`,
        remedy: 'export one const table of code to { kind, when, next } whose name ends in "Errors"',
      })
      continue
    }
    found.push(
      ...checkPage(root, folder, 'README.md', fix, errors, (text, file) => [
        ...checkErrorTable(file, text, errors),
        ...checkExamples(one, text),
      ]),
    )
    for (const page of globSync('docs/*.md', { cwd: path }).sort()) {
      found.push(...checkPage(root, folder, page, fix, undefined, () => []))
    }
  }
  return found
}
/** Checks the Markdown `page` of a package. Its fences name their files from the folder of the package. */
function checkPage(root, folder, page, fix, errors, check) {
  const file = folder === '.' ? page : `${folder}/${page}`
  const path = join(root, file)
  if (!existsSync(path)) return [{ file, problem: 'is missing', remedy: 'write it' }]
  let text = readFileSync(path, 'utf8')
  if (fix) {
    const filled = fillFences(join(root, folder), text)
    const fixed = errors === undefined ? filled : fillErrorTable(filled, errors)
    if (fixed !== text) writeFileSync(path, fixed)
    text = fixed
  }
  return [
    ...checkFences(file, join(root, folder), text),
    ...checkLinks(root, file, text),
    ...check(text, file),
  ]
}
if (import.meta.main) {
  const { values } = parseArgs({ options: { fix: { type: 'boolean', default: false } } })
  reportFindings('readmes', await checkReadmes(workspaceRoot(), values.fix))
}
//# sourceMappingURL=check-readmes.js.map
