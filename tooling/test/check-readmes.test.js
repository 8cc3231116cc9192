import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkReadmes } from '../check-readmes.ts'
import { formatFinding } from '../findings.ts'
import { folderOf } from './fixture.ts'
const fence = '```'
const errors = `
export const ipfsErrors = {
  IPFS_GONE: { kind: 'not-found', when: 'the block is gone', next: 'Add it again.' },
  IPFS_ODD: { kind: 'invalid', when: 'a <name> has a | in it', next: 'Rename *it*.' },
} as const
export class IpfsError extends Error {}
`
const readme = `# @ipfs-kit/ipfs

<!-- from examples/main.ts -->

${fence}ts
import assert from 'node:assert'

assert(true)
${fence}

| code        | kind      | when                    | what to do    |
| ----------- | --------- | ----------------------- | ------------- |
| \`IPFS_GONE\` | not-found | the block is gone       | Add it again. |
| \`IPFS_ODD\`  | invalid   | a \\<name> has a \\| in it | Rename \\*it\\*. |
`
const rootReadme = `# ipfs-kit

${fence}sh
npx -y -p node@24.21.0 -p pnpm@12.21.0 -c 'pnpm install --frozen-lockfile && pnpm start'
npx -y -p node@24.21.0 -p pnpm@12.21.0 -c 'pnpm install --frozen-lockfile && pnpm test'
${fence}

- [ipfs](packages/ipfs): the node
`
const clean = {
  'README.md': rootReadme,
  'packages/ipfs/package.json': { name: '@ipfs-kit/ipfs' },
  'packages/ipfs/README.md': readme,
  'packages/ipfs/src/errors.ts': errors,
  'packages/ipfs/examples/main.ts': `import assert from 'node:assert'\n\nassert(true)\n`,
  'packages/ipfs/test/examples.test.ts': `for (const name of readdirSync('examples')) run(name)\n`,
}
/** The findings of the clean workspace with some files changed; `undefined` leaves a file out. */
async function lines(changes, root = folder(changes)) {
  return (await checkReadmes(root, false)).map(formatFinding)
}
function folder(changes) {
  const files = { ...clean, ...changes }
  return folderOf(Object.fromEntries(Object.entries(files).filter(([, content]) => content !== undefined)))
}
test('a workspace whose READMEs are true is clean', async () => {
  expect(await lines({})).toEqual([])
})
test('a missing README is named', async () => {
  expect(await lines({ 'packages/ipfs/README.md': undefined, 'README.md': undefined })).toEqual([
    'README.md: is missing, write it',
    'packages/ipfs/README.md: is missing, write it',
  ])
})
describe('fences', () => {
  test('one that differs from its file is named with its line', async () => {
    expect(await lines({ 'packages/ipfs/examples/main.ts': 'other\n' })).toEqual([
      'packages/ipfs/README.md:5: the fence differs from examples/main.ts, run pnpm readmes',
    ])
  })
  test('one of TypeScript without a file is refused, one of another language is not', async () => {
    const more = `${readme}\n${fence}ts\nconst a = 1\n${fence}\n\n${fence}sh\nls\n${fence}\n`
    expect(await lines({ 'packages/ipfs/README.md': more })).toEqual([
      expect.stringContaining('packages/ipfs/README.md:16: a fence of TypeScript comes from no file'),
    ])
  })
  test('a comment serves one fence only', async () => {
    const more = readme.replace('| code', `${fence}ts\nconst a = 1\n${fence}\n\n| code`)
    expect(await lines({ 'packages/ipfs/README.md': more })).toEqual([
      expect.stringContaining('packages/ipfs/README.md:11: a fence of TypeScript comes from no file'),
    ])
  })
  test('one whose file does not exist is named', async () => {
    const more = `${readme}\n<!-- from examples/gone.ts -->\n\n${fence}ts\n${fence}\n`
    expect(await lines({ 'packages/ipfs/README.md': more })).toEqual([
      'packages/ipfs/README.md:18: examples/gone.ts does not exist, correct the path',
    ])
  })
  test('a fence inside a longer fence is text', async () => {
    const more = `${readme}\n${fence}${fence}md\n${fence}ts\nconst a = 1\n${fence}\n${fence}${fence}\n`
    expect(await lines({ 'packages/ipfs/README.md': more })).toEqual([])
  })
  test('one of the root README comes from the examples of a package', async () => {
    const more = `${rootReadme}\n<!-- from packages/ipfs/examples/main.ts -->\n\n${fence}ts\nwrong\n${fence}\n`
    expect(await lines({ 'README.md': more })).toEqual([
      'README.md:12: the fence differs from packages/ipfs/examples/main.ts, run pnpm readmes',
    ])
  })
})
describe('pages in docs', () => {
  const page = (code) => `# Pins\n\n<!-- from examples/main.ts -->\n\n${fence}ts\n${code}\n${fence}\n`
  test('a fence names its file from the folder of the package', async () => {
    const example = clean['packages/ipfs/examples/main.ts']
    expect(await lines({ 'packages/ipfs/docs/pins.md': page(example.trimEnd()) })).toEqual([])
    expect(await lines({ 'packages/ipfs/docs/pins.md': page('other()') })).toEqual([
      'packages/ipfs/docs/pins.md:5: the fence differs from examples/main.ts, run pnpm readmes',
    ])
  })
  test('are filled from the examples', async () => {
    const root = folder({ 'packages/ipfs/docs/pins.md': page('other()') })
    expect(await checkReadmes(root, true)).toEqual([])
    expect(readFileSync(join(root, 'packages/ipfs/docs/pins.md'), 'utf8')).toContain('assert(true)')
  })
})
test('a link that leads nowhere is named, outside of code', async () => {
  const links = '[a](docs/gone.md#x) [b](src/errors.ts) [c](https://a.example/b) [d](#part) `[e](gone)`'
  const more = `${readme}\n${links}\n\n${fence}md\n[f](gone)\n${fence}\n`
  expect(await lines({ 'packages/ipfs/README.md': more })).toEqual([
    'packages/ipfs/README.md:16: links to docs/gone.md, which does not exist, correct it',
  ])
})
describe('examples', () => {
  test('a package without an example is named', async () => {
    const withoutFence = readme.replace(/<!--[^]*?```\n\n/, '')
    expect(
      await lines({ 'packages/ipfs/examples/main.ts': undefined, 'packages/ipfs/README.md': withoutFence }),
    ).toEqual([expect.stringContaining('packages/ipfs/examples: has no example')])
  })
  test('a README that shows no example is named', async () => {
    const withoutFence = readme.replace(/<!--[^]*?```\n\n/, '')
    expect(await lines({ 'packages/ipfs/README.md': withoutFence })).toEqual([
      expect.stringContaining('packages/ipfs/README.md: shows none of the examples'),
    ])
  })
  test('a missing examples test is named', async () => {
    expect(await lines({ 'packages/ipfs/test/examples.test.ts': undefined })).toEqual([
      expect.stringContaining('packages/ipfs/test/examples.test.ts: is missing'),
    ])
  })
  test('an example that the test neither reads by folder nor names is not run', async () => {
    const changes = {
      'packages/ipfs/examples/second.ts': '',
      'packages/ipfs/test/examples.test.ts': `run('../examples/main.ts')\n`,
    }
    expect(await lines(changes)).toEqual([
      'packages/ipfs/examples/second.ts: is not run by test/examples.test.ts, let that test read the folder',
    ])
  })
  test('a script beside them is not run by a test that picks no scripts', async () => {
    expect(await lines({ 'packages/ipfs/examples/second.sh': '' })).toEqual([
      'packages/ipfs/examples/second.sh: is not run by test/examples.test.ts, let that test read the folder',
    ])
  })
  test('files of another kind are no examples', async () => {
    expect(await lines({ 'packages/ipfs/examples/data.json': '{}' })).toEqual([])
  })
})
describe('a package that has commands and exports nothing', () => {
  const path = 'apps/cli/README.md'
  const commands = {
    'README.md': `${rootReadme}- [cli](apps/cli): the commands\n`,
    'apps/cli/package.json': {
      name: '@ipfs-kit/cli',
      bin: { 'ipfs-kit': './dist/main.js' },
      exports: { './package.json': './package.json' },
    },
    [path]: `# cli\n\n<!-- from examples/main.sh -->\n\n${fence}sh\nset -eu\n${fence}\n\n${fence}sh\nother\n${fence}\n`,
    'apps/cli/examples/main.sh': 'set -eu\n',
    'apps/cli/test/examples.test.ts': `readdirSync('examples').filter((name) => name.endsWith('.sh')).forEach(run)\n`,
  }
  test('shows a script and is clean', async () => {
    expect(await lines(commands)).toEqual([])
  })
  test('needs a script: TypeScript does not do', async () => {
    const changes = {
      ...commands,
      'apps/cli/examples/main.sh': undefined,
      'apps/cli/examples/main.ts': '',
      [path]: '# cli\n',
    }
    expect(await lines(changes)).toEqual([
      'apps/cli/examples: has no example, write examples/NAME.sh that shows and asserts the main use',
    ])
  })
  test('shows no script: the README is named', async () => {
    expect(await lines({ ...commands, [path]: '# cli\n' })).toEqual([
      'apps/cli/README.md: shows none of the examples, write <!-- from examples/NAME.sh --> above a fence of sh',
    ])
  })
  test('has a fence that differs from its script: the line is named', async () => {
    expect(await lines({ ...commands, 'apps/cli/examples/main.sh': 'set -e\n' })).toEqual([
      'apps/cli/README.md:5: the fence differs from examples/main.sh, run pnpm readmes',
    ])
  })
  test('needs TypeScript as soon as it exports something', async () => {
    const manifest = {
      name: '@ipfs-kit/cli',
      bin: { 'ipfs-kit': './dist/main.js' },
      exports: { '.': './dist/index.js', './package.json': './package.json' },
    }
    expect(await lines({ ...commands, 'apps/cli/package.json': manifest })).toEqual([
      'apps/cli/examples: has no example, write examples/NAME.ts that shows and asserts the main use',
    ])
  })
  test('gets its fence from the script by --fix, and other fences of sh stay', async () => {
    const root = folder({ ...commands, 'apps/cli/examples/main.sh': 'set -eu\nls\n' })
    expect(await checkReadmes(root, true)).toEqual([])
    expect(readFileSync(join(root, path), 'utf8')).toBe(
      String(commands[path]).replace('set -eu\n', 'set -eu\nls\n'),
    )
  })
})
describe('error tables', () => {
  const path = 'packages/ipfs/README.md'
  test('a code that the README lacks is named', async () => {
    const less = readme.replace(/\| `IPFS_GONE.*\n/, '')
    expect(await lines({ [path]: less })).toEqual([
      'packages/ipfs/README.md:11: the error table lacks IPFS_GONE, run pnpm readmes',
    ])
  })
  test('a code that the source lacks is named', async () => {
    const more = `${readme}| \`IPFS_MORE\` | invalid | x | y |\n`
    expect(await lines({ [path]: more })).toEqual([
      'packages/ipfs/README.md:15: IPFS_MORE is not in src/errors.ts, run pnpm readmes',
    ])
  })
  test('another kind, when or what to do is shown with both texts', async () => {
    const other = readme
      .replace('not-found', 'invalid  ')
      .replace('the block is gone', 'it is gone')
      .replace('Add it again', 'Give up')
    expect(await lines({ [path]: other })).toEqual([
      'packages/ipfs/README.md:13: IPFS_GONE: kind is "invalid" here and "not-found" in src/errors.ts, run pnpm readmes',
      'packages/ipfs/README.md:13: IPFS_GONE: when is "it is gone" here and "the block is gone" in src/errors.ts, run pnpm readmes',
      'packages/ipfs/README.md:13: IPFS_GONE: next is "Give up." here and "Add it again." in src/errors.ts, run pnpm readmes',
    ])
  })
  test('a missing table is named', async () => {
    expect(await lines({ [path]: readme.slice(0, readme.indexOf('| code')) })).toEqual([
      expect.stringContaining('packages/ipfs/README.md: has no error table'),
    ])
  })
  test('a table without a source is named', async () => {
    expect(await lines({ 'packages/ipfs/src/errors.ts': undefined })).toEqual([
      'packages/ipfs/README.md:11: has an error table without src/errors.ts, take it out',
    ])
  })
  test.each([
    ['exports none', 'export const other = {}\n', 'exports 0 objects'],
    ['exports two', 'export const aErrors = {}\nexport const bErrors = {}\n', 'exports 2 objects'],
    ['lacks a field', `export const aErrors = { A: { kind: 'x', when: 'y' } }\n`, 'A has no next'],
    ['throws', `throw new Error('boom')\n`, 'boom'],
  ])('a source that %s is named', async (_, source, message) => {
    expect(await lines({ 'packages/ipfs/src/errors.ts': source })).toEqual([
      expect.stringContaining(`packages/ipfs/src/errors.ts: has no usable error table: ${message}`),
    ])
  })
})
describe('the root README', () => {
  test('lacks a command: the command is named', async () => {
    expect(await lines({ 'README.md': rootReadme.replace('pnpm test', 'pnpm  test') })).toEqual([
      `README.md: lacks the command npx -y -p node@24.21.0 -p pnpm@12.21.0 -c 'pnpm install --frozen-lockfile && pnpm test', write it literally`,
    ])
  })
  test('shows a command below the first screen: the line is named', async () => {
    const low = rootReadme.replace('# ipfs-kit\n', '# ipfs-kit\n' + '\n'.repeat(50))
    expect(await lines({ 'README.md': low })).toEqual([
      expect.stringContaining('README.md:54: a command stands below the first screen'),
      expect.stringContaining('README.md:55: a command stands below the first screen'),
    ])
  })
  test('links to a package that does not exist, or leaves one out: both are named', async () => {
    const other = rootReadme.replace('(packages/ipfs)', '(apps/none/README.md)')
    expect(await lines({ 'README.md': other })).toEqual([
      'README.md:8: links to apps/none/README.md, which does not exist, correct it',
      'README.md: does not list packages/ipfs, add a link to packages/ipfs',
    ])
  })
})
describe('--fix', () => {
  test('writes fences and error tables from the sources, after which all is clean', async () => {
    const root = folder({
      'packages/ipfs/README.md': `# ipfs

<!-- from examples/main.ts -->

${fence}ts
${fence}

between

<!-- from examples/second.ts -->

${fence}ts
old
older
${fence}

| code | kind | when | what to do |
| --- | --- | --- | --- |
| \`OLD\` | a | b | c |

after
`,
      'packages/ipfs/examples/second.ts': 'second()\n',
    })
    expect(await checkReadmes(root, true)).toEqual([])
    expect(readFileSync(join(root, 'packages/ipfs/README.md'), 'utf8')).toBe(`# ipfs

<!-- from examples/main.ts -->

${fence}ts
import assert from 'node:assert'

assert(true)
${fence}

between

<!-- from examples/second.ts -->

${fence}ts
second()
${fence}

| code | kind | when | what to do |
| --- | --- | --- | --- |
| \`IPFS_GONE\` | not-found | the block is gone | Add it again. |
| \`IPFS_ODD\` | invalid | a \\<name> has a \\| in it | Rename *it*. |

after
`)
    expect(await lines({}, root)).toEqual([])
  })
  test('leaves a README that is true byte for byte', async () => {
    const root = folder({})
    expect(await checkReadmes(root, true)).toEqual([])
    expect(readFileSync(join(root, 'packages/ipfs/README.md'), 'utf8')).toBe(readme)
  })
  test('reports what it cannot write', async () => {
    const root = folder({ 'packages/ipfs/README.md': '# ipfs\n' })
    const found = (await checkReadmes(root, true)).map(formatFinding)
    expect(found).toEqual([
      expect.stringContaining('packages/ipfs/README.md: has no error table'),
      expect.stringContaining('packages/ipfs/README.md: shows none of the examples'),
    ])
  })
})
//# sourceMappingURL=check-readmes.test.js.map
