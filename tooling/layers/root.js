/** Checks the root of the workspace: what lies there, and that tsconfig.json lists every package. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { packageFolders, readJson } from '../workspace.ts'
/** What the top level may hold beside dot-files. */
const topLevel = new Set([
  'packages',
  'apps',
  'tooling',
  'turbo.json',
  'pnpm-workspace.yaml',
  'pnpm-lock.yaml',
  'package.json',
  'tsconfig.json',
  'README.md',
  'LICENSE',
  'CONTRIBUTING.md',
  // Ignored by git: what an install and the pack check leave.
  'node_modules',
  'reports',
])
/** All that is wrong with the root. */
export function checkRoot(root) {
  return [...checkTopLevel(root), ...checkFolders(root), ...checkReferences(root)]
}
function checkTopLevel(root) {
  return readdirSync(root)
    .filter((name) => !name.startsWith('.') && !topLevel.has(name))
    .sort()
    .map((file) => ({
      file,
      problem: 'does not belong at the top level',
      remedy: 'move it into packages, apps or tooling',
    }))
}
function checkFolders(root) {
  return packageFolders(root)
    .filter((folder) => !existsSync(join(root, folder, 'package.json')))
    .map((folder) => ({
      file: folder,
      problem: 'has no package.json',
      remedy: 'remove the folder or make it a package',
    }))
}
function checkReferences(root) {
  const file = 'tsconfig.json'
  if (!existsSync(join(root, file))) {
    return [{ file, problem: 'is missing', remedy: 'write it with a reference to every package' }]
  }
  const references = readJson(join(root, file)).references ?? []
  const listed = new Set(references.map((reference) => reference.path.replace(/^\.\//, '')))
  const folders = packageFolders(root).filter((folder) => existsSync(join(root, folder, 'package.json')))
  return [
    ...folders
      .filter((folder) => !listed.has(folder))
      .map((folder) => ({
        file,
        problem: `does not reference ${folder}`,
        remedy: `add { "path": "${folder}" }`,
      })),
    ...[...listed]
      .filter((path) => !folders.includes(path))
      .map((path) => ({
        file,
        problem: `references ${path}, which is not a package`,
        remedy: 'take the reference out',
      })),
  ]
}
//# sourceMappingURL=root.js.map
