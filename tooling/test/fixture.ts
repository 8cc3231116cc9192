/** Writes small workspaces into temporary folders. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Files by path; a value that is not text is written as JSON. */
export type Files = Record<string, unknown>

/** A temporary folder with these files, removed when the test ends. */
export function folderOf(files: Files): string {
  const root = mkdtempSync(join(tmpdir(), 'ipfs-kit-tooling-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  write(root, files)
  return root
}

/** Adds files to a folder. */
export function write(root: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(
      join(root, name),
      typeof content === 'string' ? content : JSON.stringify(content, null, 2) + '\n',
    )
  }
}

/** What differs from a clean package. */
export interface PackageShape {
  readonly dependencies?: readonly string[]
  readonly devDependencies?: readonly string[]
  /** Merged over the clean package.json. */
  readonly manifest?: Record<string, unknown>
  readonly files?: Files
}

/** The files of a workspace in which every check is clean, but for what the shapes say. */
export function workspaceFiles(packages: Record<string, PackageShape>): Files {
  const files: Files = {
    'package.json': { name: 'workspace', private: true },
    'tsconfig.json': { files: [], references: Object.keys(packages).map((path) => ({ path })) },
  }
  for (const [folder, shape] of Object.entries(packages)) {
    const own: Files = {
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

function cleanManifest(folder: string, shape: PackageShape): Record<string, unknown> {
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

function workspace(folders: readonly string[]): Record<string, string> {
  return Object.fromEntries(folders.map((folder) => [`@ipfs-kit/${folder.split('/')[1]}`, 'workspace:*']))
}

function references(folders: readonly string[]): { path: string }[] {
  return folders.map((folder) => ({ path: `../../${folder}` }))
}
