import diagnosticsChannel from 'node:diagnostics_channel'
import { createFindingLog } from '@ipfs-kit/telemetry/logs'
import { expect, onTestFinished, test } from 'vitest'

function openLog() {
  const lines: string[] = []
  const log = createFindingLog({ write: (line) => lines.push(line) })
  onTestFinished(() => log.close())
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

test.each(['blocks', 'wal'])('writes one line for each finding of %s, until it is closed', async (part) => {
  const { log, lines, parsed } = openLog()
  const channel = diagnosticsChannel.channel(`${part}:finding`)
  channel.publish({ kind: 'damage', message: 'two\nlines', offset: 64 })
  expect(lines).toHaveLength(1)
  expect(lines[0]).not.toContain('\n')
  const finding = { kind: 'damage', message: 'two\nlines', offset: 64 }
  expect(parsed()).toMatchObject([{ level: 'warn', part, finding }])
  expect(Date.parse(String(parsed()[0]!['time']))).toBeGreaterThan(0)
  await log.close()
  channel.publish({ kind: 'damage' })
  expect(lines).toHaveLength(1)
})

test('writes nothing but texts and numbers, within a bound, whatever is published', () => {
  const { lines, parsed } = openLog()
  const channel = diagnosticsChannel.channel('wal:finding')
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, nth) => [`n${nth}`, nth]))
  for (const message of [undefined, null, 'text', 5n, { token: { secret: 'hunter2' } }, many])
    channel.publish(message)
  channel.publish({ message: 'x'.repeat(1_000_000) })
  expect(parsed().slice(0, 5)).toMatchObject(Array.from({ length: 5 }, () => ({ finding: {} })))
  for (const line of lines) expect(line.length).toBeLessThan(5000)
  expect(lines.join('')).not.toContain('hunter2')
})

test('refuses wrong options', () => {
  expect(() => createFindingLog({ write: 1 } as never)).toThrow(TypeError)
  expect(() => createFindingLog({ write() {}, level: 1 } as never)).toThrow('level')
})
