import { simDisk } from '@ipfs-kit/disk'
import { openLog } from '@ipfs-kit/wal'
import { describe, expect, test } from 'vitest'
import { folder, openOn } from './open-on.ts'

const open = (options: object) => openLog({ path: folder, disk: simDisk({ seed: 1 }), ...options })

describe('options of a log', () => {
  for (const [name, least, most] of [
    ['segmentBytes', 4096, 67_108_864],
    ['maxRecordBytes', 1, 33_554_432 - 108],
    ['maxQueuedBytes', 1, Number.MAX_SAFE_INTEGER],
  ] as const) {
    test(`${name} is a whole number from ${least} to ${most}`, async () => {
      for (const wrong of [
        -1,
        0,
        NaN,
        Infinity,
        -Infinity,
        5000.5,
        least - 1,
        most + 1,
        null,
        '5000',
        5000n,
      ]) {
        await expect(open({ [name]: wrong })).rejects.toThrow(RangeError)
      }
    })
  }

  test('intervalMs is a whole number of milliseconds, and of the mode interval alone', async () => {
    for (const wrong of [-1, 0, NaN, Infinity, 1.5, 3_600_001]) {
      await expect(open({ mode: 'interval', intervalMs: wrong })).rejects.toThrow(RangeError)
    }
    await expect(open({ intervalMs: 100 })).rejects.toThrow(TypeError)
    await expect(open({ mode: 'os', intervalMs: 100 })).rejects.toThrow(TypeError)
  })

  test('a mode, a path or an option that does not exist is a TypeError', async () => {
    const wrongs = [{ mode: 'never' }, { path: 'log' }, { path: 5 }, { path: '' }, { segmentSize: 4096 }]
    for (const wrong of wrongs) await expect(open(wrong)).rejects.toThrow(TypeError)
    await expect(open({ path: '/a\0b' })).rejects.toThrow(TypeError)
    await expect(open({ segmentByte: 4096 })).rejects.toThrow('did you mean segmentBytes?')
  })

  test('those of calls are checked at once', async () => {
    await using log = await openOn(simDisk({ seed: 1 }))
    for (const wrong of [{ timeoutMs: 5 }, { signal: 5 }, { signal: null }, null, 5] as never[]) {
      await expect(log.append(Buffer.from('a'), wrong)).rejects.toThrow(TypeError)
      await expect(log.appendMany([], wrong)).rejects.toThrow(TypeError)
      await expect(log.dropBefore(1, wrong)).rejects.toThrow(TypeError)
      await expect(log.verify(wrong)).rejects.toThrow(TypeError)
    }
    expect(() => log.read({ form: 5 } as never)).toThrow(TypeError)
    for (const wrong of [-1, 0, NaN, Infinity, 1.5, '5', null, 2 ** 53]) {
      expect(() => log.read({ from: wrong as never })).toThrow(RangeError)
      await expect(log.dropBefore(wrong as never)).rejects.toThrow(RangeError)
    }
    expect(log.stats().nextLsn).toBe(1)
  })
})
