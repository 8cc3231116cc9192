import { readFile } from 'node:fs/promises'
import { diskErrors } from '@ipfs-kit/disk'
import { describe, expect, test } from 'vitest'
import { refused, refusedWith } from '../src/system-error.ts'

test('the table of errors in the README equals the source', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const rows = readme.split('\n').flatMap((line) => {
    const [, code, kind, when, next] = line.split('|').map((cell) => cell.trim())
    return code?.startsWith('`DISK_') ? [[code.slice(1, -1), { kind, when, next }]] : []
  })
  const table: unknown = Object.fromEntries(rows)
  expect(table).toEqual(diskErrors)
})

describe('a code of the system', () => {
  for (const [code, { when }] of Object.entries(diskErrors)) {
    for (const systemCode of when.match(/\bE[A-Z]+\b/g) ?? []) {
      if (code === 'DISK_FAILED') continue
      test(`${systemCode} is ${code}`, () => {
        expect(refusedWith(systemCode, 'open', '/x')).toMatchObject({ code, systemCode })
      })
    }
  }

  test('that has no meaning of its own is DISK_FAILED, with its name', () => {
    for (const systemCode of ['EMFILE', 'ELOOP', 'toString']) {
      expect(refusedWith(systemCode, 'open', '/x')).toMatchObject({ code: 'DISK_FAILED', systemCode })
    }
  })

  test('is kept with the error of the system, and an error from here passes untouched', () => {
    const cause = Object.assign(new Error('no'), { code: 'EACCES' })
    const error = refused('read', '/x', cause)
    expect(error).toMatchObject({ code: 'DISK_DENIED', systemCode: 'EACCES', cause, kind: 'forbidden' })
    expect(refused('write', '/y', error)).toBe(error)
    expect(refused('read', '/x', new Error('odd'))).toMatchObject({ code: 'DISK_FAILED' })
  })
})
