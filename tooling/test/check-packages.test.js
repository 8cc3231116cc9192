import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkPackages } from '../check-packages.ts'
import { folderOf } from './fixture.ts'
const exports = { '.': { types: './dist/index.d.ts', default: './dist/index.js' } }
/** A built package; `uses` are the short names of the packages that it depends on. */
function built(short, uses, example, manifest = {}) {
  const folder = `packages/${short}`
  return {
    [`${folder}/package.json`]: {
      name: `@ipfs-kit/${short}`,
      version: '0.0.0',
      license: 'MIT',
      type: 'module',
      exports: { '.': { '@ipfs-kit/source': './src/index.ts', ...exports['.'] } },
      publishConfig: { exports },
      files: ['dist'],
      sideEffects: false,
      dependencies: Object.fromEntries(uses.map((name) => [`@ipfs-kit/${name}`, 'workspace:*'])),
      ...manifest,
    },
    [`${folder}/dist/index.js`]: `export const name = '${short}'\n`,
    [`${folder}/dist/index.d.ts`]: 'export declare const name: string\n',
    [`${folder}/examples/main.ts`]: example,
  }
}
/** An example that asserts that it got its own package. */
const proof = (short) =>
  `import assert from 'node:assert'\nimport { name } from '@ipfs-kit/${short}'\nassert.equal(name as string, '${short}')\n`
/** Writes a workspace and links its packages as pnpm would. */
function workspace(packages) {
  const root = folderOf({
    'package.json': { private: true },
    'pnpm-workspace.yaml': 'packages: [packages/*]\n',
    ...packages,
  })
  for (const [path, content] of Object.entries(packages)) {
    if (!path.endsWith('/package.json')) continue
    for (const name of Object.keys(content.dependencies)) {
      const link = join(root, path, '../node_modules', name)
      mkdirSync(join(link, '..'), { recursive: true })
      symlinkSync(join(root, 'packages', name.split('/')[1] ?? ''), link)
    }
  }
  return root
}
async function check(packages) {
  const lines = []
  const report = await checkPackages(workspace(packages), (line) => void lines.push(line))
  return { ...report, lines: lines.sort() }
}
test('packages that stand alone pass: packed, linted, installed with what they depend on, examples run', async () => {
  const report = await check({
    ...built('storage', [], proof('storage')),
    ...built(
      'ipfs',
      ['storage'],
      proof('ipfs') + proof('storage').split('\n')[1]?.replace('{ name }', '{ name as other }'),
    ),
    ...built('kit', [], proof('kit')),
  })
  expect(report).toMatchObject({ passed: 12, failed: [] })
  expect(report.lines).toEqual([
    expect.stringMatching(/^@ipfs-kit\/ipfs: ok, 2 packages installed, 1 example \(\d+\.\d s\)$/),
    expect.stringMatching(/^@ipfs-kit\/kit: ok, 1 packages installed, 1 example/),
    expect.stringMatching(/^@ipfs-kit\/storage: ok, 1 packages installed, 1 example/),
  ])
})
test('a package of commands runs its scripts with the installed command', async () => {
  const cli = built('cli', [], '', {
    exports: { './package.json': './package.json' },
    publishConfig: { exports: { './package.json': './package.json' } },
    bin: { 'ipfs-kit': './dist/main.js' },
  })
  delete cli['packages/cli/examples/main.ts']
  const report = await check({
    ...cli,
    'packages/cli/dist/main.js': `#!/usr/bin/env node\nprocess.exitCode = process.argv[2] === 'fail' ? 3 : 0\n`,
    'packages/cli/examples/ends-early.sh': 'ipfs-kit fail\nexit 0\n',
    'packages/cli/examples/main.sh': `ipfs-kit\ntest "$(command -v ipfs-kit)" = "$PWD/node_modules/.bin/ipfs-kit"\n`,
    'packages/cli/examples/unset.sh': ': "$NO_SUCH_NAME"\n',
  })
  expect(report).toMatchObject({
    passed: 4,
    failed: [
      expect.stringMatching(/^packages\/cli: sh -eu examples\/ends-early\.sh ended with 3\n/),
      expect.stringMatching(/^packages\/cli: sh -eu examples\/unset\.sh ended with 2\n[^]*NO_SUCH_NAME/),
    ],
  })
})
test('each thing that keeps a package from standing alone is named, and the others still pass', async () => {
  const withoutDist = built('wal', [], proof('wal'))
  delete withoutDist['packages/wal/dist/index.js']
  delete withoutDist['packages/wal/dist/index.d.ts']
  const withoutExample = built('cache', [], '')
  delete withoutExample['packages/cache/examples/main.ts']
  const undeclared = built('journal', [], proof('journal'), { devDependencies: { zod: '4.6.7' } })
  undeclared['packages/journal/dist/index.js'] += `export const load = () => import('zod/mini')\n`
  undeclared['packages/journal/dist/index.d.ts'] +=
    `export type { Stats } from 'node:fs'\nexport type { A } from '@ipfs-kit/wal'\n`
  const report = await check({
    ...built('storage', [], proof('storage')),
    ...built('ipfs', [], `import '@ipfs-kit/storage'\n`),
    ...built('disk', [], proof('disk'), { publishConfig: { exports: { '.': './dist/gone.js' } } }),
    ...undeclared,
    ...withoutDist,
    ...withoutExample,
  })
  expect([...report.failed].sort()).toEqual([
    'packages/cache: has no example to run',
    expect.stringMatching(/^packages\/disk: node examples\/main\.ts ended with 1\n[^]*gone\.js/),
    expect.stringMatching(/^packages\/disk: publint: .*gone\.js/),
    'packages/ipfs: examples/main.ts imports @ipfs-kit/storage, which package.json does not declare',
    'packages/journal: dist/index.d.ts imports @ipfs-kit/wal, which dependencies in package.json does not name; dist/index.js imports zod, which dependencies in package.json does not name',
    'packages/wal: is not built: run pnpm build first',
  ])
  expect(report.lines).toContainEqual(expect.stringMatching(/^@ipfs-kit\/storage: ok, /))
  expect(report.lines).toContainEqual('@ipfs-kit/wal: not packed')
})
test('what only the examples import is installed for them from devDependencies', async () => {
  const beside = folderOf({
    'package.json': { name: 'beside', version: '1.0.0', type: 'module', exports: { './part': './index.js' } },
    'index.js': '',
  })
  const report = await check(
    built('client', [], `${proof('client')}import 'beside/part'\nimport type {} from 'never'\n`, {
      devDependencies: { beside: `file:${beside}`, unused: '1.0.0' },
    }),
  )
  expect(report).toMatchObject({ passed: 4, failed: [] })
  expect(report.lines).toEqual([
    expect.stringContaining(
      `@ipfs-kit/client: ok, 1 packages installed, 1 example with beside@file:${beside} (`,
    ),
  ])
})
//# sourceMappingURL=check-packages.test.js.map
