import { readPackages } from '../workspace.ts'
/** What a machine with any Node and npm runs; the README shows both in its first screen. */
const commands = ['pnpm start', 'pnpm test'].map(
  (script) => `npx -y -p node@24.21.0 -p pnpm@12.21.0 -c 'pnpm install --frozen-lockfile && ${script}'`,
)
/** Lines of a first screen. */
const screen = 40
/** All that is wrong with the root README. */
export function checkRootReadme(root, text) {
  const file = 'README.md'
  const lines = text.split('\n')
  const found = []
  for (const command of commands) {
    const at = lines.findIndex((line) => line.includes(command))
    if (at === -1) {
      found.push({ file, problem: `lacks the command ${command}`, remedy: 'write it literally' })
    } else if (at >= screen) {
      found.push({
        file,
        line: at + 1,
        problem: 'a command stands below the first screen',
        remedy: `move it above line ${screen}`,
      })
    }
  }
  const linked = new Set()
  for (const [, path = ''] of text.matchAll(/\]\((?:\.\/)?((?:packages|apps)\/[^)#\s]+)/g)) {
    linked.add(path.split('/').slice(0, 2).join('/'))
  }
  for (const { folder } of readPackages(root)) {
    if (linked.has(folder)) continue
    found.push({ file, problem: `does not list ${folder}`, remedy: `add a link to ${folder}` })
  }
  return found
}
//# sourceMappingURL=root.js.map
