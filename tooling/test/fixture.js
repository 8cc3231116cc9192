/** Writes small workspaces into temporary folders. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
/** A temporary folder with these files, removed when the test ends. */
export function folderOf(files) {
  const root = mkdtempSync(join(tmpdir(), 'ipfs-kit-tooling-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  write(root, files)
  return root
}
/** Adds files to a folder. */
export function write(root, files) {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(
      join(root, name),
      typeof content === 'string' ? content : JSON.stringify(content, null, 2) + '\n',
    )
  }
}
/** The files of a workspace in which every check is clean, but for what the shapes say. */
export function workspaceFiles(packages) {
  const files = {
    'package.json': { name: 'workspace', private: true },
    'tsconfig.json': { files: [], references: Object.keys(packages).map((path) => ({ path })) },
  }
  for (const [folder, shape] of Object.entries(packages)) {
    const own = {
      'package.json': { ...cleanManifest(folder, shape), ...shape.manifest },
      'tsconfig.json': { references: references(shape.dependencies ?? []) },
      'tsconfig.test.json': {
        references: [
          { path: '.' },
          ...references([...(shape.dependencies ?? []), ...(shape.devDependencies ?? [])]),
        ],
      },
      'vitest.config.ts': `export { default } from '../../tooling/vitest.config.ts'\n`,
      'src/index.ts': 'export const answer = 42\n',
      ...shape.files,
    }
    for (const [name, content] of Object.entries(own)) files[`${folder}/${name}`] = content
  }
  return files
}
function cleanManifest(folder, shape) {
  const published = { types: './dist/index.d.ts', default: './dist/index.js' }
  return {
    name: `@ipfs-kit/${folder.split('/')[1]}`,
    version: '0.0.0',
    type: 'module',
    exports: { '.': { '@ipfs-kit/source': './src/index.ts', ...published } },
    publishConfig: { exports: { '.': published } },
    scripts: { build: 'b', typecheck: 'c', lint: 'l', test: 't', bench: 'x' },
    dependencies: workspace(shape.dependencies ?? []),
    devDependencies: workspace(shape.devDependencies ?? []),
  }
}
function workspace(folders) {
  return Object.fromEntries(folders.map((folder) => [`@ipfs-kit/${folder.split('/')[1]}`, 'workspace:*']))
}
function references(folders) {
  return folders.map((folder) => ({ path: `../../${folder}` }))
}
//# sourceMappingURL=fixture.js.map
