/** Cases about keys. */
import { randomBytes } from 'node:crypto'
import { assertCode, assertShows } from './ground.ts'
import type { ConformanceCase } from './ground.ts'

const impossible = [
  '',
  '\0',
  'a\0b',
  'a'.repeat(1025),
  `${'é'.repeat(512)}a`,
  '\ud800',
  'a\udc00b',
  'a'.repeat(100_000),
]

const strange = [
  'a',
  'A',
  'a/b',
  'a//b',
  'a/../b',
  './a',
  '..',
  'a/',
  ' a ',
  'a.',
  'a%2Fb',
  'a?b#c',
  'a\\b',
  'a\nb',
  'con',
  '__proto__',
  'é',
  'e\u0301',
  '\uffff',
  '😀',
]

export const keyCases: readonly ConformanceCase[] = [
  {
    title: 'impossible keys are refused',
    run: async ({ backend }) => {
      const { supports } = backend
      for (const key of impossible) {
        await assertCode(backend.get(key), 'STORAGE_INVALID_KEY')
        await assertCode(backend.stat(key), 'STORAGE_INVALID_KEY')
        if (supports.write) await assertCode(backend.put(key, randomBytes(3)), 'STORAGE_INVALID_KEY')
        if (supports.delete) await assertCode(backend.delete(key), 'STORAGE_INVALID_KEY')
      }
    },
  },
  {
    title: 'a key is taken as it stands, byte for byte',
    run: async (ground) => {
      const { backend, prefix } = ground
      if (backend.supports.keys === 'cid') {
        await assertCode(backend.get('not-a-cid'), 'STORAGE_INVALID_KEY')
        if (backend.supports.write)
          await assertCode(backend.put('not-a-cid', randomBytes(3)), 'STORAGE_INVALID_KEY')
        return
      }
      if (!backend.supports.write) {
        await assertCode(backend.put(`${prefix}a`, randomBytes(3)), 'STORAGE_NOT_SUPPORTED')
        return
      }
      const room = 1024 - prefix.length
      const longest = 'é'.repeat(room / 2).padEnd(Math.ceil(room / 2), 'a')
      const values = new Map<string, Uint8Array>()
      for (const name of [...strange, longest]) {
        const bytes = randomBytes(20)
        const key = await ground.key(name, bytes)
        await backend.put(key, bytes)
        values.set(key, bytes)
      }
      for (const [key, bytes] of values) await assertShows(ground, key, bytes)
    },
  },
]
