import { describe, expect, test } from 'vitest'
import { found } from './found-waits.ts'

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
