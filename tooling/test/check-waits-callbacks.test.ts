import { describe, expect, test } from 'vitest'
import { found, lines } from './found-waits.ts'

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
