/**
 * Code fences of a README that come from files: `<!-- from examples/NAME.ts -->` on the line above the fence. TypeScript
 * always comes from one; of shell scripts those do whose fence says so, since others show a command or two.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
/** Checks each fence of a README or page against its file; `folder` is the absolute folder of the package. */
export function checkFences(file, folder, text) {
  return readFences(text).flatMap((fence) => {
    const found = (problem, remedy) => [{ file, line: fence.line, problem, remedy }]
    if (fence.source === undefined) {
      return /^(ts|typescript|tsx)$/.test(fence.language)
        ? found(
            'a fence of TypeScript comes from no file',
            'put it into examples/ and write <!-- from examples/NAME.ts --> above',
          )
        : []
    }
    const code = readSource(folder, fence.source)
    if (code === undefined) return found(`${fence.source} does not exist`, 'correct the path')
    return code === fence.content ? [] : found(`the fence differs from ${fence.source}`, 'run pnpm readmes')
  })
}
/** The README with each fence filled from its file. Fences whose file is missing stay as they are. */
export function fillFences(folder, text) {
  const lines = text.split('\n')
  for (const fence of readFences(text).reverse()) {
    const code = fence.source === undefined ? undefined : readSource(folder, fence.source)
    if (code === undefined || code === fence.content) continue
    const length = fence.content === '' ? 0 : fence.content.split('\n').length
    lines.splice(fence.line, length, ...code.split('\n'))
  }
  return lines.join('\n')
}
/** The files that the fences of a README come from. */
export function fenceSources(text) {
  return readFences(text).flatMap((fence) => fence.source ?? [])
}
function readSource(folder, source) {
  const path = join(folder, source)
  return existsSync(path) ? readFileSync(path, 'utf8').replace(/\n+$/, '') : undefined
}
function readFences(text) {
  const fences = []
  const lines = text.split('\n')
  let above = ''
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? ''
    const opening = /^(`{3,}|~{3,})\s*([\w-]*)/.exec(line)
    if (opening === null) {
      if (line.trim() !== '') above = line.trim()
      continue
    }
    const closing = lines.findIndex((other, at) => at > index && other.trimEnd() === opening[1])
    const end = closing === -1 ? lines.length : closing
    fences.push({
      language: opening[2] ?? '',
      line: index + 1,
      content: lines.slice(index + 1, end).join('\n'),
      source: /^<!-- from (\S+) -->$/.exec(above)?.[1],
    })
    above = line
    index = end
  }
  return fences
}
//# sourceMappingURL=fences.js.map
