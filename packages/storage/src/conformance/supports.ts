/** Cases about the manifest. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { assertCode } from './ground.ts'
import type { ConformanceCase } from './ground.ts'

const abilities = ['write', 'delete', 'list', 'ranges', 'conditionalPut', 'conditionalReplace'] as const

export const supportCases: readonly ConformanceCase[] = [
  {
    title: 'the manifest names every ability, and the backend has a name and a failure domain',
    run: async ({ backend }) => {
      for (const ability of abilities) assert.equal(typeof backend.supports[ability], 'boolean', ability)
      assert.ok(['any', 'cid'].includes(backend.supports.keys), 'keys')
      assert.ok(typeof backend.name === 'string' && backend.name !== '', 'name')
      assert.ok(typeof backend.failureDomain === 'string' && backend.failureDomain !== '', 'failureDomain')
    },
  },
  {
    title: 'what the manifest denies is refused, and what it declares is not',
    run: async ({ backend, object, key }) => {
      const { supports } = backend
      const bytes = randomBytes(1000)
      const known = await object(1000)
      const own = await key('manifest', bytes)
      const calls = {
        ranges: () =>
          backend
            .get(known.key, { offset: 1, length: 2 })
            .then((found) => found?.body[Symbol.asyncIterator]().return?.()),
        write: () => backend.put(own, bytes),
        conditionalPut: () => backend.put(own, bytes, { ifAbsent: true }),
        conditionalReplace: () => backend.put(own, bytes, { ifVersion: 'not-a-version' }),
        list: () => backend.list(),
        delete: () => backend.delete(own),
      }
      for (const [ability, call] of Object.entries(calls)) {
        const declared =
          supports[ability as keyof typeof calls] && (!ability.startsWith('conditional') || supports.write)
        if (!declared) await assertCode(call(), 'STORAGE_NOT_SUPPORTED')
        else if (ability === 'conditionalPut') await assertCode(call(), 'STORAGE_EXISTS')
        else if (ability === 'conditionalReplace') await assertCode(call(), 'STORAGE_CONFLICT')
        else await call()
      }
    },
  },
]
