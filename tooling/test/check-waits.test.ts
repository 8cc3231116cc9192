import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { folderOf, type Files } from './fixture.ts'
import { found, lines } from './found-waits.ts'

describe('reasons', () => {
  test.each([
    ['the line', '// waits: the process ends whatever hangs\nsetTimeout(end, 5)'],
    ['the statement', '// waits: no scope is left here\nconst timer =\n  known ?? setTimeout(end, 5)'],
    ['the line, with more lines', '// waits: the process ends\n// whatever hangs\nsetTimeout(end, 5)'],
    ['the chain', '// waits: told elsewhere\nawait work()\n  .then(next)\n  .catch(() => {})'],
    ['the link of a chain', 'await work()\n  // waits: told elsewhere\n  .catch(() => {})'],
    ['a member', 'const listener = {\n  // waits: told elsewhere\n  onEnd: () => void close(),\n}'],
    ['a field', 'class A {\n  // waits: ends with the process\n  #timer =\n    setTimeout(end)\n}'],
    ['an import', `// waits: ends with the process\nimport { setTimeout } from 'node:timers'`],
    ['the try', '// waits: told elsewhere\ntry {\n  await work()\n} catch {}'],
    ['nothing, inside of the catch', 'try {\n  await work()\n} catch {\n  // waits: told elsewhere\n}'],
    ['several on one line', '// waits: ends\nPromise.race([setTimeout(end), setInterval(end)])'],
  ])('a reason above %s excuses it', (_, code) => {
    expect(found(code)).toEqual([])
  })

  test('a reason without text is none', () => {
    expect(found('// waits:\nsetTimeout(end)')).toEqual([
      '1: `// waits:` gives no reason',
      '2: names setTimeout',
    ])
  })

  test.each([
    ['two lines above', '// waits: ends\n\nsetTimeout(end)', 3],
    ['above a block around it', '// waits: ends\nif (late) {\n  setTimeout(end)\n}', 3],
    ['above the function around it', '// waits: ends\nfunction f() {\n  setTimeout(end)\n}', 3],
  ])('a reason %s does not reach', (_, code, line) => {
    expect(found(code)).toEqual(['1: `// waits:` excuses nothing', `${line}: names setTimeout`])
  })

  test('a reason behind code excuses nothing, on its own line or the next', () => {
    expect(found('setTimeout(end) // waits: ends\nsetTimeout(end)')).toEqual([
      '1: names setTimeout',
      '1: `// waits:` excuses nothing',
      '2: names setTimeout',
    ])
  })

  test('a reason that has outlived its place is named', () => {
    expect(lines({ 'packages/ipfs/src/a.ts': '// waits: it polls\nawait sleep(5)\n' })).toEqual([
      'packages/ipfs/src/a.ts:1: `// waits:` excuses nothing, put it on the line above the place that it is for or take it out',
    ])
  })

  test('only a line comment that begins with it is a reason', () => {
    expect(found('/* waits: ends */\nsetTimeout(end)\n// it waits: ends\nsetTimeout(end)')).toEqual([
      '2: names setTimeout',
      '4: names setTimeout',
    ])
  })
})

describe('the files', () => {
  const timer = 'setTimeout(end)\n'

  test('src of packages and apps is read, and the tooling', () => {
    const files = {
      'packages/ipfs/src/a.ts': timer,
      'packages/ipfs/src/deep/page.tsx': timer,
      'apps/cli/src/main.mts': timer,
      'tooling/check.ts': timer,
      'tooling/deep/part.ts': timer,
    }
    expect(lines(files).map((line) => line.split(':')[0])).toEqual(Object.keys(files))
  })

  test('tests, benches, examples and what was built are free, and so is concurrency', () => {
    expect(
      lines({
        'packages/ipfs/test/a.test.ts': timer,
        'packages/ipfs/bench/a.ts': timer,
        'packages/ipfs/examples/a.ts': timer,
        'packages/ipfs/dist/a.js': timer,
        'packages/ipfs/src/page.css': timer,
        'packages/concurrency/src/clock.ts': timer,
        'tooling/test/a.test.ts': timer,
        'tooling/node_modules/x/index.js': timer,
      }),
    ).toEqual([])
  })

  test('a file that cannot be parsed is named and the others are still checked', () => {
    const files = { 'packages/ipfs/src/a.ts': 'export const = 1\n', 'packages/ipfs/src/b.ts': timer }
    expect(lines(files)).toEqual([
      expect.stringMatching(/^packages\/ipfs\/src\/a\.ts: cannot be parsed: /),
      expect.stringContaining('packages/ipfs/src/b.ts:1: names setTimeout'),
    ])
  })
})

describe('the program', () => {
  /** Copies the program into a workspace, where it checks that workspace. */
  function installed(files: Files): string {
    const root = folderOf(files)
    const own = join(import.meta.dirname, '..')
    mkdirSync(join(root, 'tooling'))
    for (const name of ['check-waits.ts', 'findings.ts', 'workspace.ts', 'waits', 'package.json']) {
      cpSync(join(own, name), join(root, 'tooling', name), { recursive: true })
    }
    symlinkSync(join(own, 'node_modules'), join(root, 'tooling/node_modules'))
    return join(root, 'tooling/check-waits.ts')
  }

  test('exits 0 and says so when nothing is found, itself included', () => {
    const program = installed({ 'packages/ipfs/src/a.ts': 'export const answer = 42\n' })
    expect(execFileSync(process.execPath, [program], { encoding: 'utf8' })).toBe('waits: clean\n')
  })

  test('exits 1 and prints each finding and their number', () => {
    const program = installed({ 'packages/ipfs/src/a.ts': 'setTimeout(end)\nvoid work()\n' })
    const result = spawnSync(process.execPath, [program], { encoding: 'utf8' })
    expect(result.status).toBe(1)
    expect(result.stderr.split('\n')).toEqual([
      expect.stringContaining('packages/ipfs/src/a.ts:1: names setTimeout'),
      expect.stringContaining('packages/ipfs/src/a.ts:2: `void` drops a result'),
      'waits: 2 findings',
      '',
    ])
  })
})
