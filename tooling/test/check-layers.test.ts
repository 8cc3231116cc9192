import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkLayers, layers } from '../check-layers.ts'
import { formatFinding } from '../findings.ts'
import { folderOf, workspaceFiles, write, type Files, type PackageShape } from './fixture.ts'

/** The findings of a workspace as lines. */
function lines(packages: Record<string, PackageShape>, more: Files = {}): string[] {
  const root = folderOf(workspaceFiles(packages))
  write(root, more)
  return checkLayers(root).map(formatFinding)
}

const storage: PackageShape = {}
const ipfs = (files: Files, shape: PackageShape = {}): PackageShape => ({
  dependencies: ['packages/storage'],
  ...shape,
  files,
})

test('tests and benches use the servers of tooling/services, and sources do not', () => {
  const source = `import { start } from '../../../tooling/services/server.ts'\nexport const server = start()\n`
  const files = {
    'src/served.ts': source,
    'test/served.ts': source,
    'bench/served.ts': source,
    'examples/served.ts': source,
    'tsconfig.test.json': {
      references: [{ path: '.' }, { path: '../../packages/storage' }, { path: '../../tooling/services' }],
    },
    'tsconfig.json': {
      references: [{ path: '../../packages/storage' }, { path: '../../tooling/services' }],
    },
  }
  expect(lines({ 'packages/storage': storage, 'packages/ipfs': ipfs(files) })).toEqual([
    expect.stringContaining('packages/ipfs/tsconfig.json: references tooling/services'),
    expect.stringContaining('packages/ipfs/src/served.ts:1: relative import ../../../tooling/services'),
    expect.stringContaining('packages/ipfs/examples/served.ts:1: relative import ../../../tooling/services'),
  ])
})

describe('imports between packages', () => {
  test('a downward import of a declared package is clean', () => {
    const source = `import { answer } from '@ipfs-kit/storage'\nexport const twice = answer * 2\n`
    expect(lines({ 'packages/storage': storage, 'packages/ipfs': ipfs({ 'src/twice.ts': source }) })).toEqual(
      [],
    )
  })

  test.each([
    ['an import', `import { answer } from '@ipfs-kit/kit'`],
    ['an import of a subpath', `import { answer } from '@ipfs-kit/kit/operations'`],
    ['a re-export', `export { answer } from '@ipfs-kit/kit'`],
    ['a star re-export', `export * from '@ipfs-kit/kit'`],
    ['a type import', `import type { answer } from '@ipfs-kit/kit'`],
    ['an import type in a type', `export type A = import('@ipfs-kit/kit').A`],
    ['a dynamic import', `export const kit = await import('@ipfs-kit/kit')`],
    ['a dynamic import of a template', 'export const kit = await import(`@ipfs-kit/kit`)'],
    ['an import equals', `import kit = require('@ipfs-kit/kit')`],
    ['a resolved address', `export const kit = import.meta.resolve('@ipfs-kit/kit/thread')`],
  ])('%s upward is refused with file and line', (_, line) => {
    const packages = { 'packages/ipfs': { files: { 'src/deep/up.ts': `// é\n\n${line}\n` } } }
    expect(lines(packages)).toEqual([
      'packages/ipfs/src/deep/up.ts:3: packages/ipfs (layer 3) names @ipfs-kit/kit (layer 5); imports go strictly downward, ' +
        'declare the small interface that is needed and take it as an argument',
    ])
  })

  test.each(['src', 'test', 'examples', 'bench'])('an import of the own layer is refused in %s', (part) => {
    const files = { [`${part}/side.ts`]: `import '@ipfs-kit/placement'\n` }
    expect(lines({ 'packages/ipfs': { files } })).toEqual([
      expect.stringContaining(
        `packages/ipfs/${part}/side.ts:1: packages/ipfs (layer 3) names @ipfs-kit/placement`,
      ),
    ])
  })

  test('a name in a comment or a string is no import', () => {
    const source = `// import '@ipfs-kit/kit'\nexport const text = "import x from '@ipfs-kit/kit'"\n`
    expect(lines({ 'packages/ipfs': { files: { 'src/text.ts': source } } })).toEqual([])
  })

  test('an unknown package name is refused', () => {
    expect(lines({ 'packages/ipfs': { files: { 'src/a.ts': `import '@ipfs-kit/stroage'\n` } } })).toEqual([
      expect.stringContaining('packages/ipfs/src/a.ts:1: @ipfs-kit/stroage is not in the layer table'),
    ])
  })

  test('an undeclared package is refused', () => {
    const files = { 'src/a.ts': `import '@ipfs-kit/storage'\n` }
    expect(lines({ 'packages/storage': storage, 'packages/ipfs': { files } })).toEqual([
      'packages/ipfs/src/a.ts:1: imports @ipfs-kit/storage, which package.json does not declare, add it to dependencies as workspace:*',
    ])
  })

  test('a devDependency serves tests and benches, but neither src nor examples', () => {
    const files = Object.fromEntries(
      ['src', 'test', 'examples', 'bench'].map((part) => [`${part}/a.ts`, `import '@ipfs-kit/storage'\n`]),
    )
    const shape = { devDependencies: ['packages/storage'], files }
    expect(lines({ 'packages/storage': storage, 'packages/ipfs': shape })).toEqual([
      expect.stringContaining('packages/ipfs/src/a.ts:1: imports @ipfs-kit/storage'),
      expect.stringContaining('packages/ipfs/examples/a.ts:1: imports @ipfs-kit/storage'),
    ])
  })

  test('tests, examples and benches import their own package by name, src does not', () => {
    const files = Object.fromEntries(
      ['src', 'test', 'examples', 'bench'].map((part) => [`${part}/a.ts`, `import '@ipfs-kit/ipfs'\n`]),
    )
    expect(lines({ 'packages/ipfs': { files } })).toEqual([
      'packages/ipfs/src/a.ts:1: src imports its own package @ipfs-kit/ipfs, import the file by relative path',
    ])
  })

  test('src may resolve the address of its own package', () => {
    const source = `export const thread = new URL(import.meta.resolve('@ipfs-kit/ipfs/thread'))\n`
    expect(lines({ 'packages/ipfs': { files: { 'src/a.ts': source } } })).toEqual([])
  })

  test('a concrete storage is imported by kit alone', () => {
    const user = {
      dependencies: ['packages/storage-s3'],
      files: { 'src/a.ts': `import '@ipfs-kit/storage-s3'\n` },
    }
    const packages = { 'packages/storage-s3': {}, 'packages/transfer': user, 'packages/kit': user }
    expect(lines(packages)).toEqual([
      expect.stringContaining('packages/transfer/package.json: packages/transfer names @ipfs-kit/storage-s3'),
      expect.stringContaining(
        'packages/transfer/src/a.ts:1: packages/transfer names @ipfs-kit/storage-s3; concrete storages are imported by packages/kit alone',
      ),
    ])
  })

  test('telemetry is imported by apps alone', () => {
    const user = {
      dependencies: ['packages/telemetry'],
      files: { 'src/a.ts': `import '@ipfs-kit/telemetry'\n` },
    }
    const packages = {
      'packages/telemetry': {},
      'packages/kit': user,
      'apps/mcp-server': user,
      'apps/cli': user,
    }
    expect(lines(packages)).toEqual([
      expect.stringContaining('packages/kit/package.json: packages/kit names @ipfs-kit/telemetry'),
      expect.stringContaining('packages/kit/src/a.ts:1: packages/kit names @ipfs-kit/telemetry'),
    ])
  })

  test('the client imports kit and operations as types only', () => {
    const client = {
      dependencies: ['packages/operations', 'packages/kit'],
      files: {
        'src/ok.ts': `import type { A } from '@ipfs-kit/kit'\nexport type { B } from '@ipfs-kit/operations'\nexport type C = A\n`,
        'src/bad.ts': `import { type A } from '@ipfs-kit/kit'\nexport type C = A\n`,
        'src/worse.ts': `export const kit = () => import('@ipfs-kit/kit')\n`,
        'test/real.test.ts': `import '@ipfs-kit/kit'\n`,
      },
    }
    expect(lines({ 'packages/operations': {}, 'packages/kit': {}, 'packages/client': client })).toEqual([
      'packages/client/src/bad.ts:1: packages/client loads @ipfs-kit/kit at run time; it may have its types only, write `import type { … }`',
      expect.stringContaining(
        'packages/client/src/worse.ts:1: packages/client loads @ipfs-kit/kit at run time',
      ),
    ])
  })
})

describe('relative imports', () => {
  test('one that leaves its package is refused', () => {
    const files = {
      'src/a.ts': `export * from '../../storage/src/index.ts'\n`,
      'test/b.test.ts': `import '../../../tooling/findings.ts'\n`,
      'src/c.ts': `export const thread = new URL('../../storage/src/thread.ts', import.meta.url)\n`,
    }
    expect(lines({ 'packages/storage': storage, 'packages/ipfs': { files } })).toEqual([
      'packages/ipfs/src/a.ts:1: relative import ../../storage/src/index.ts leaves packages/ipfs, import the package by its name',
      expect.stringContaining('packages/ipfs/src/c.ts:1: relative import ../../storage/src/thread.ts'),
      expect.stringContaining('packages/ipfs/test/b.test.ts:1: relative import ../../../tooling/findings.ts'),
    ])
  })

  test('a sibling folder whose name begins alike is outside', () => {
    const files = { 'src/a.ts': `import '../../storage-s3/src/index.ts'\n` }
    expect(lines({ 'packages/storage': { files } })).toHaveLength(1)
  })

  test('a test points at any file by URL', () => {
    const files = {
      'test/a.test.ts': `export const readme = new URL('../../../README.md', import.meta.url)\n`,
    }
    expect(lines({ 'packages/ipfs': { files } })).toEqual([])
  })

  test('the shared settings of Vitest are taken by those of a package, and by nothing else', () => {
    const files = {
      'vitest.config.ts': `import '../../tooling/vitest.blockstore.config.ts'\nimport '../../tooling/findings.ts'\n`,
      'test/a.test.ts': `import '../../../tooling/vitest.config.ts'\n`,
    }
    expect(lines({ 'packages/ipfs': { files } })).toEqual([
      expect.stringContaining('packages/ipfs/test/a.test.ts:1: relative import'),
      expect.stringContaining('packages/ipfs/vitest.config.ts:2: relative import ../../tooling/findings.ts'),
    ])
    const config = `export { default } from '../../tooling/vitest.config.ts'\n`
    expect(lines({ 'packages/ipfs': { files: { 'vitest.config.ts': config } } })).toEqual([])
  })

  test('an absolute path is refused', () => {
    expect(lines({ 'packages/ipfs': { files: { 'src/a.ts': `import '/opt/x.ts'\n` } } })).toEqual([
      expect.stringContaining('imports /opt/x.ts by absolute path'),
    ])
  })

  test('src does not import what is not published', () => {
    const files = { 'src/a.ts': `import '../test/double.ts'\n`, 'test/double.ts': '' }
    expect(lines({ 'packages/ipfs': { files } })).toEqual([
      'packages/ipfs/src/a.ts:1: src imports ../test/double.ts, which is not published, move it into src',
    ])
  })
})

describe('settings of a package', () => {
  test('an upward dependency in package.json is refused without any import', () => {
    const shape = { devDependencies: ['packages/kit'] }
    expect(lines({ 'packages/kit': {}, 'packages/ipfs': shape })).toEqual([
      expect.stringContaining(
        'packages/ipfs/package.json: packages/ipfs (layer 3) names @ipfs-kit/kit (layer 5)',
      ),
    ])
  })

  test('a workspace package is depended on as workspace:*', () => {
    const manifest = { dependencies: { '@ipfs-kit/storage': '^1.0.0' } }
    const shape = { dependencies: ['packages/storage'], manifest }
    expect(lines({ 'packages/storage': {}, 'packages/ipfs': shape })).toEqual([
      'packages/ipfs/package.json: depends on @ipfs-kit/storage as "^1.0.0", write "workspace:*"',
    ])
  })

  test('a package that is not in the table is refused', () => {
    expect(lines({ 'packages/magic': {} })).toEqual([
      'packages/magic/package.json: packages/magic is not in the layer table, add it with its layer to tooling/check-layers.ts',
    ])
  })

  test('the name follows the folder', () => {
    expect(lines({ 'packages/ipfs': { manifest: { name: '@ipfs-kit/ipsf' } } })).toEqual([
      'packages/ipfs/package.json: the name is "@ipfs-kit/ipsf", call it "@ipfs-kit/ipfs" like its folder',
    ])
  })

  test('publishConfig.exports equals exports without the condition', () => {
    const manifest = { publishConfig: { exports: { '.': './dist/index.js' } } }
    expect(lines({ 'packages/ipfs': { manifest } })).toEqual([
      expect.stringContaining('packages/ipfs/package.json: publishConfig.exports is not exports without'),
    ])
  })

  test('exports name sources that exist', () => {
    const published = { types: './dist/a.d.ts', default: './dist/a.js' }
    const manifest = {
      exports: { './a': { '@ipfs-kit/source': './src/a.ts', ...published } },
      publishConfig: { exports: { './a': published } },
    }
    expect(lines({ 'packages/ipfs': { manifest } })).toEqual([
      'packages/ipfs/package.json: exports names ./src/a.ts, which does not exist, write it or take it out',
    ])
  })

  test('the references of both tsconfig files equal the workspace dependencies', () => {
    const shape = {
      dependencies: ['packages/storage'],
      devDependencies: ['packages/credentials'],
      files: {
        'tsconfig.json': { references: [{ path: '../../packages/credentials' }] },
        'tsconfig.test.json': { references: [{ path: '../../packages/storage' }] },
      },
    }
    expect(lines({ 'packages/storage': {}, 'packages/credentials': {}, 'packages/ipfs': shape })).toEqual([
      'packages/ipfs/tsconfig.json: does not reference packages/storage, references are the workspace dependencies',
      'packages/ipfs/tsconfig.json: references packages/credentials, references are the workspace dependencies',
      expect.stringContaining('packages/ipfs/tsconfig.test.json: does not reference packages/ipfs'),
      expect.stringContaining('packages/ipfs/tsconfig.test.json: does not reference packages/credentials'),
    ])
  })

  test('a missing script is named', () => {
    const manifest = { scripts: { build: 'b', typecheck: 'c', lint: 'l', test: 't' } }
    expect(lines({ 'packages/ipfs': { manifest } })).toEqual([
      'packages/ipfs/package.json: has no script "bench", copy it from another package',
    ])
  })
})

describe('the root', () => {
  test('a package that tsconfig.json does not list is named, and a reference to none as well', () => {
    const more = { 'tsconfig.json': { references: [{ path: 'packages/gone' }] } }
    expect(lines({ 'packages/ipfs': {} }, more)).toEqual([
      'tsconfig.json: does not reference packages/ipfs, add { "path": "packages/ipfs" }',
      'tsconfig.json: references packages/gone, which is not a package, take the reference out',
    ])
  })

  test('a file that does not belong at the top level is named, a dot-file is not', () => {
    expect(lines({ 'packages/ipfs': {} }, { 'notes.md': '', '.editorconfig': '', LICENSE: '' })).toEqual([
      'notes.md: does not belong at the top level, move it into packages, apps or tooling',
    ])
  })

  test('a folder without package.json is named', () => {
    expect(lines({ 'packages/ipfs': {} }, { 'packages/empty/src/a.ts': '' })).toEqual([
      'packages/empty: has no package.json, remove the folder or make it a package',
    ])
  })
})

test('a file that cannot be parsed is named and the others are still checked', () => {
  const files = { 'src/a.ts': 'export const = 1\n', 'src/b.ts': `import '../../x.ts'\n` }
  expect(lines({ 'packages/ipfs': { files } })).toEqual([
    expect.stringMatching(/^packages\/ipfs\/src\/a\.ts: cannot be parsed: /),
    expect.stringContaining('packages/ipfs/src/b.ts:1: relative import'),
  ])
})

test('the command line above the server is in the table one layer higher, because it starts it', () => {
  expect(layers['apps/cli']).toBe((layers['apps/mcp-server'] ?? 0) + 1)
})

describe('the program', () => {
  /** Copies the program into a workspace, where it checks that workspace. */
  function installed(packages: Record<string, PackageShape>): string {
    const root = folderOf(workspaceFiles(packages))
    const own = join(import.meta.dirname, '..')
    mkdirSync(join(root, 'tooling'))
    for (const name of ['check-layers.ts', 'findings.ts', 'workspace.ts', 'layers', 'package.json']) {
      cpSync(join(own, name), join(root, 'tooling', name), { recursive: true })
    }
    symlinkSync(join(own, 'node_modules'), join(root, 'tooling/node_modules'))
    return join(root, 'tooling/check-layers.ts')
  }

  test('exits 0 and says so when nothing is found', () => {
    const program = installed({ 'packages/ipfs': {} })
    expect(execFileSync(process.execPath, [program], { encoding: 'utf8' })).toBe('layers: clean\n')
  })

  test('exits 1 and prints each finding and their number', () => {
    const program = installed({ 'packages/ipfs': { files: { 'src/a.ts': `import '@ipfs-kit/kit'\n` } } })
    const result = spawnSync(process.execPath, [program], { encoding: 'utf8' })
    expect(result.status).toBe(1)
    expect(result.stderr.split('\n')).toEqual([
      expect.stringContaining('packages/ipfs/src/a.ts:1: '),
      'layers: 1 finding',
      '',
    ])
  })
})
