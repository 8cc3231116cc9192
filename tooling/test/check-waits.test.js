import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkWaits } from '../check-waits.ts'
import { formatFinding } from '../findings.ts'
import { folderOf } from './fixture.ts'
/** The findings of a workspace as lines. */
function lines(files) {
  return checkWaits(folderOf(files)).map(formatFinding)
}
/** The findings in one source file, as `line: problem`. */
function found(source) {
  return checkWaits(folderOf({ 'packages/ipfs/src/a.ts': source })).map(
    ({ line, problem }) => `${line}: ${problem}`,
  )
}
describe('timers', () => {
  test('a timer is refused with file, line and what to use instead', () => {
    const source = `// é 🙂\n\nexport const later = (f: () => void) => setTimeout(f, 5)\n`
    expect(lines({ 'packages/ipfs/src/deep/a.ts': source })).toEqual([
      'packages/ipfs/src/deep/a.ts:3: names setTimeout, use sleep for a pause, moveOnAfter or failAfter for a limit',
    ])
  })
  test.each([
    ['setInterval', 'setInterval(f, 5)'],
    ['setImmediate', 'setImmediate(f)'],
    ['setTimeout', 'globalThis.setTimeout(f)'],
    ['setTimeout', 'window.setTimeout(f)'],
    ['setTimeout', `self['setTimeout'](f)`],
    ['setTimeout', 'global?.setTimeout(f)'],
    ['setTimeout', '(globalThis as any).setTimeout(f)'],
    ['setTimeout', 'promisify(setTimeout)'],
    ['setTimeout', 'const later = setTimeout'],
    ['setTimeout', 'const { setTimeout: later } = globalThis'],
    ['setTimeout', 'const { setTimeout } = globalThis'],
    ['setTimeout', 'const clock = { setTimeout }'],
    ['setTimeout', 'const clock = { [setTimeout]: 1 }'],
    ['setTimeout', 'const f = (clock = setTimeout) => clock'],
    ['setTimeout', 'export { setTimeout }'],
    ['setTimeout', 'class A { #timer = setTimeout(f) }'],
    ['setTimeout', 'function f(setTimeout) {}'],
    ['AbortSignal.timeout', 'fetch(url, { signal: AbortSignal.timeout(5) })'],
    ['AbortSignal.timeout', 'const { timeout } = AbortSignal'],
  ])('%s is seen in: %s', (name, code) => {
    expect(found(code)).toEqual([`1: names ${name}`])
  })
  test.each([
    ['timers', `import * as timers from 'timers'`],
    ['node:timers', `import { setTimeout as later } from 'node:timers'`],
    ['node:timers/promises', `import { scheduler } from 'node:timers/promises'`],
    ['timers/promises', `export * from 'timers/promises'`],
    ['node:timers', `export { clearTimeout } from 'node:timers'`],
    ['node:timers/promises', `const timers = await import('node:timers/promises')`],
    ['node:timers', 'const timers = await import(`node:timers`)'],
    ['node:timers', `import timers = require('node:timers')`],
    ['node:timers', `const timers = createRequire(url)('x'), more = require('node:timers')`],
    ['node:timers', `const timers = process.getBuiltinModule('node:timers')`],
  ])('an import of %s is seen in: %s', (name, code) => {
    expect(found(code)).toEqual([`1: imports ${name}`])
  })
  test.each([
    'socket.setTimeout(5)',
    'this.setTimeout(5)',
    'const clock = { setTimeout: 5 }',
    'const { setTimeout: idle } = limits',
    'class A { setTimeout() {} }',
    'let timer: ReturnType<typeof setTimeout> | undefined',
    'interface Clock { setTimeout(f: () => void): void }',
    `import type { Timer } from 'node:timers'`,
    `const text = 'setTimeout(f)' // setTimeout(f)`,
    'clearTimeout(timer)',
    'signals.timeout(5)',
  ])('no timer is in: %s', (code) => {
    expect(found(code)).toEqual([])
  })
})
describe('races', () => {
  test.each([
    ['race', 'await Promise.race([a, b])'],
    ['race', `await Promise['race']([a, b])`],
    ['race', 'await globalThis.Promise.race([a, b])'],
    ['race', 'const { race } = Promise'],
    ['race', 'const { race: first } = globalThis.Promise'],
    ['race', 'const { resolve, race: first } = Promise'],
    ['race', '({ race } = Promise)'],
    ['race', 'const f = ({ race } = Promise) => race'],
    ['race', 'join(Promise.race)'],
    ['any', 'await Promise.any([a, b])'],
  ])('Promise.%s is seen in: %s', (name, code) => {
    expect(found(code)).toEqual([`1: names Promise.${name}`])
  })
  test.each([
    `import { race } from '@ipfs-kit/concurrency'\nawait race([a, b])`,
    'await Promise.all([a, b])',
    'const { race } = horses',
    'promises.any(a)',
  ])('no race is in: %s', (code) => {
    expect(found(code)).toEqual([])
  })
})
describe('callbacks', () => {
  test('a promise whose resolver is kept is refused, with what to use instead', () => {
    const source = `await new Promise((resolve) => child.once('exit', resolve))\n`
    expect(lines({ 'packages/ipfs/src/a.ts': source })).toEqual([
      'packages/ipfs/src/a.ts:1: makes a promise whose resolver is kept for later, use suspend, or an event or a channel',
    ])
  })
  test.each([
    'new Promise((resolve) => { wake = resolve })',
    'new Promise<void>((resolve) => stream.write(piece, () => resolve()))',
    'new Promise((_, reject) => { stream.on("error", reject) })',
    'new Promise((resolve, reject) => { if (closed) reject(gone); else stream.on("end", resolve) })',
    'new Promise(function (resolve) { stream.on("end", function () { resolve(1) }) })',
    'new Promise((resolve) => { const end = { resolve }; keep(end) })',
    'new Promise((resolve) => { resolve.call(undefined) })',
    'new Promise((...both) => { kept = both })',
    'new Promise(({ call }) => { kept = call })',
    'new Promise(async (resolve) => resolve(await work()))',
    'new Promise(begin)',
    'new Promise(() => {})',
    'new globalThis.Promise((resolve) => { wake = resolve })',
    '(new (Promise as any)((resolve) => { wake = resolve }))',
  ])('a kept resolver is seen in: %s', (code) => {
    expect(found(code)).toEqual(['1: makes a promise whose resolver is kept for later'])
  })
  test.each(['const { promise, resolve } = Promise.withResolvers()', 'const { withResolvers } = Promise'])(
    'Promise.withResolvers is seen in: %s',
    (code) => {
      expect(found(code)).toEqual(['1: names Promise.withResolvers'])
    },
  )
  test.each([
    'new Promise((resolve) => resolve(1))',
    'new Promise((resolve, reject) => { if (good) resolve(1); else reject(error) })',
    'new Promises((resolve) => { wake = resolve })',
    'let waking: Promise<void>',
    'await suspend((resume) => { wake = () => resume.resolve() })',
  ])('no resolver is kept in: %s', (code) => {
    expect(found(code)).toEqual([])
  })
  test.each([
    ['names EventEmitter.once', `import { once } from 'node:events'`],
    ['names EventEmitter.once', `import { EventEmitter, once as first } from 'events'`],
    ['names EventEmitter.on', `import { on } from 'node:events'`],
    ['names EventEmitter.once', `export { once } from 'node:events'`],
    [
      'names EventEmitter.once',
      `import { EventEmitter } from 'node:events'; await EventEmitter.once(socket, 'end')`,
    ],
    ['names EventEmitter.once', `const { once } = EventEmitter`],
    ['calls EventEmitter Emitter', `import Emitter from 'node:events'`],
    ['calls EventEmitter Emitter', `import { EventEmitter as Emitter } from 'node:events'`],
    ['takes all of node:events', `import * as events from 'node:events'`],
    ['takes all of node:events', `export * from 'node:events'`],
    ['takes all of node:events', `const { once } = await import('node:events')`],
    ['takes all of events', `const { once } = require('events')`],
  ])('%s: seen in %s', (problem, code) => {
    expect(found(code)).toEqual([`1: ${problem}`])
  })
  test.each([
    `import { EventEmitter } from 'node:events'`,
    `import EventEmitter, { type once } from 'node:events'`,
    `import type { on } from 'node:events'`,
    `import { once } from './collect.ts'`,
    `emitter.once('end', done)`,
    `events.on('end', done)`,
  ])('no wait for an event is in: %s', (code) => {
    expect(found(code)).toEqual([])
  })
})
describe('floating promises', () => {
  test.each([
    'void work()',
    'const f = () => void work()',
    'void work().then(next)',
    'void promise',
    'function f() { return void work() }',
    'void (async () => { await work() })()',
    'done ?? void work()',
  ])('`void` is refused in: %s', (code) => {
    expect(found(code)).toEqual(['1: `void` drops a result'])
  })
  test.each([
    ['catch', 'work().catch(report)'],
    ['catch', 'work()\n  .then(next)\n  .catch((error) => report(error))'],
    ['then', 'work().then(next, report)'],
    ['finally', 'work().finally(clear)'],
    ['catch', 'owner?.close().catch(report)'],
    ['catch', 'if (open) close().catch(report)'],
    ['catch', 'open && close().catch(report)'],
    ['then', '(open ? close().then(next, report) : undefined)'],
  ])('a statement that ends in .%s() is refused: %s', (name, code) => {
    expect(found(code)).toEqual([`1: nobody awaits what ends in .${name}()`])
  })
  test.each([
    'await work().catch(report)',
    'const result = work().then(next, report)',
    'export const f = () => work().catch(report)',
    'void 0',
    'const f = async () => void (await work())',
    'type F = () => void',
    'work()', // The type-aware lint knows whether this is a promise.
  ])('nothing floats in: %s', (code) => {
    expect(found(code)).toEqual([])
  })
})
describe('swallowed promises', () => {
  test.each([
    'await Promise.allSettled(all)',
    'if (open) await Promise.allSettled(all)',
    'open && (await Promise.allSettled(all))',
    'Promise.allSettled(all)',
    `await globalThis.Promise['allSettled'](all)`,
  ])('outcomes that nobody looks at are refused: %s', (code) => {
    expect(found(code)).toEqual(['1: nobody looks at the outcomes of Promise.allSettled'])
  })
  test.each([
    'const outcomes = await Promise.allSettled(all)',
    'for (const one of await Promise.allSettled(all)) use(one)',
    'export const outcomes = () => Promise.allSettled(all)',
    'await jobs.allSettled(all)',
  ])('the outcomes may be looked at in: %s', (code) => {
    expect(found(code)).toEqual([])
  })
  test.each([
    ['catch', 'await work().catch(() => {})'],
    ['catch', 'work().catch(() => {})'],
    ['catch', 'void work().catch(() => {})'],
    ['catch', 'await work().catch(() => undefined)'],
    ['catch', 'await work().catch((_error) => null)'],
    ['catch', 'await work().catch(() => void 0)'],
    ['catch', 'await work().catch(() => [])'],
    ['catch', 'await work().catch(() => ({ found: false, tags: [1] }))'],
    ['catch', 'await work().catch(async () => `none`)'],
    ['catch', 'await work().catch(function () { return false })'],
    ['catch', 'await work().catch(() => { return })'],
    ['catch', 'await work().catch(() => { /* whatever */ })'],
    ['catch', 'await work()?.catch((() => {}) as Handler)'],
    ['catch', `await work()['catch'](() => {})`],
    ['then', 'await work().then(next, () => {})'],
    ['then', 'await work().then(() => true, () => false)'],
    ['then', 'await work().then(undefined, () => undefined)'],
  ])('a handler of .%s() that looks at nothing is refused: %s', (name, code) => {
    expect(found(code)).toEqual([`1: the handler of .${name}() swallows the failure`])
  })
  test.each(['const ignore = () => {}', 'function ignore() {}'])(
    'a handler is followed to its function in the same file: %s',
    (declared) => {
      expect(found(`${declared}\nawait work().catch(ignore)`)).toEqual([
        '2: the handler of .catch() swallows the failure',
      ])
    },
  )
  test('the line is that of the handler, not of the chain', () => {
    expect(found('await work()\n  .then(next)\n  .catch(() => {})')).toEqual([
      '3: the handler of .catch() swallows the failure',
    ])
  })
  test.each([
    ['an await', 'await work()'],
    ['a nested await', 'if (open) { for (const one of all) await one.close() }'],
    ['an async loop', 'for await (const one of all) use(one)'],
    ['an async disposal', 'await using session = open()'],
  ])('an empty catch block around %s is refused', (_, code) => {
    expect(found(`try {\n  ${code}\n} catch {\n  // Whatever.\n}\nexport {}`)).toEqual([
      '3: an empty catch block swallows the failure of an await',
    ])
  })
  test('an empty catch block that names the error is refused as well', () => {
    expect(found('try { await work() } catch (error) {}')).toHaveLength(1)
  })
  test.each([
    'await work().catch((error) => report(error))',
    'await work().catch(() => report())',
    'await work().catch(() => { throw new Error() })',
    'await work().catch(report)',
    'await work().then(() => {})',
    'export const tags = schema.catch([])',
    'try { parse() } catch {}',
    'try { await work() } catch (error) { report(error) }',
    'try { await work() } finally {}',
    'try { run(async () => { await work() }) } catch {}',
  ])('nothing is swallowed in: %s', (code) => {
    expect(found(code)).toEqual([])
  })
})
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
  function installed(files) {
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
//# sourceMappingURL=check-waits.test.js.map
