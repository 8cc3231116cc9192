/** Links of a page to files of the workspace. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
/** Checks that each relative link of the page `file` leads to something. */
export function checkLinks(root, file, text) {
  let fence
  return text.split('\n').flatMap((line, index) => {
    if (fence !== undefined) {
      if (line.trimEnd() === fence) fence = undefined
      return []
    }
    fence = /^(`{3,}|~{3,})/.exec(line)?.[1]
    return [...line.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)]
      .map((match) => match[1] ?? '')
      .filter((target) => !/^[a-z]+:/i.test(target) && !existsSync(join(root, dirname(file), target)))
      .map((target) => ({
        file,
        line: index + 1,
        problem: `links to ${target}, which does not exist`,
        remedy: 'correct it',
      }))
  })
}
//# sourceMappingURL=links.js.map
