import diagnosticsChannel from 'node:diagnostics_channel'
import { createErrorLog } from '@ipfs-kit/telemetry/logs'
import { expect, onTestFinished, test } from 'vitest'

const channel = diagnosticsChannel.channel('operations:error')

function openLog() {
  const lines: string[] = []
  const log = createErrorLog({ write: (line) => lines.push(line) })
  onTestFinished(() => log.close())
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, any>) }
}

test('writes one line for an error, with its causes', () => {
  const { lines, parsed } = openLog()
  const cause = Object.assign(new Error('the disk\nis gone'), { code: 'EIO' })
  channel.publish({ requestId: 'r-1', name: 'files.add', error: new TypeError('it failed', { cause }) })
  expect(lines).toHaveLength(1)
  expect(lines[0]).not.toContain('\n')
  expect(parsed()[0]).toMatchObject({
    level: 'error',
    requestId: 'r-1',
    operation: 'files.add',
    error: {
      name: 'TypeError',
      message: 'it failed',
      cause: { name: 'Error', message: 'the disk\nis gone', code: 'EIO' },
    },
  })
  expect(Date.parse(String(parsed()[0]!.time))).toBeGreaterThan(0)
  expect(String(parsed()[0]!.error.stack)).toContain('error-log.test')
})

test.each(['operations:error', 'server:error', 'gateway:error'])('hears of what is on %s', async (name) => {
  const { log, parsed } = openLog()
  diagnosticsChannel.channel(name).publish({ requestId: 'r-1', name: 'door', error: new Error('it failed') })
  expect(parsed()).toMatchObject([{ requestId: 'r-1', operation: 'door', error: { message: 'it failed' } }])
  await log.close()
  expect(diagnosticsChannel.hasSubscribers(name)).toBe(false)
})

test('writes nothing that hangs on an error besides', () => {
  const { lines } = openLog()
  const error = Object.assign(new Error('it failed'), {
    headers: { authorization: 'Bearer hunter2' },
    request: { token: 'hunter2' },
    code: { token: 'hunter2' },
  })
  channel.publish({ requestId: 'r', name: 'n', error, token: 'hunter2' })
  channel.publish({ requestId: { token: 'hunter2' }, name: ['hunter2'], error: { token: 'hunter2' } })
  expect(lines).toHaveLength(2)
  expect(lines.join('')).not.toContain('hunter2')
})

test('a line has a bound, whatever is thrown', () => {
  const { lines, parsed } = openLog()
  const ring = new Error('x'.repeat(1_000_000))
  ring.cause = ring
  channel.publish({ requestId: 'r', name: 'n', error: ring })
  for (const error of [undefined, null, 'text', 5, 10n, Symbol('s')]) channel.publish({ error })
  channel.publish(undefined)
  expect(lines).toHaveLength(8)
  expect(lines[0]!.length).toBeLessThan(100_000)
  expect(parsed()[3]).toMatchObject({ error: { name: 'string', message: 'text' } })
})

test('is free when it is closed', async () => {
  const { log, lines } = openLog()
  expect(channel.hasSubscribers).toBe(true)
  await log.close()
  await log.close()
  expect(diagnosticsChannel.hasSubscribers('operations:error')).toBe(false)
  channel.publish({ requestId: 'r', name: 'n', error: new Error('late') })
  expect(lines).toEqual([])
})

test('refuses options that are missing or unknown', () => {
  // @ts-expect-error write is needed
  expect(() => createErrorLog({})).toThrow(TypeError)
  // @ts-expect-error there is no such option
  expect(() => createErrorLog({ write: () => {}, level: 'error' })).toThrow('no option level; it has write')
})
