import diagnosticsChannel from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import { measure, samples } from './setup.ts'

const total = 'ipfs_kit_operations_total'
const seconds = 'ipfs_kit_operation_duration_seconds'
const channel = diagnosticsChannel.channel('operations:call')

function publish(name: string, code = 'OK', durationMs = 20): void {
  channel.publish({ requestId: 'r-1', name, startedAt: Date.now(), durationMs, code })
}

test('counts operations by name and code, and how long they took', async () => {
  const { telemetry } = measure()
  publish('files.add', 'OK', 1500)
  publish('files.add', 'OK', 500)
  publish('files.add', 'IPFS_FULL', 0)
  publish('files.cat')
  expect(await samples(telemetry, total)).toEqual([
    `${total}{name="files.add",code="OK"} 2`,
    `${total}{name="files.add",code="IPFS_FULL"} 1`,
    `${total}{name="files.cat",code="OK"} 1`,
  ])
  expect(await samples(telemetry, `${seconds}_sum`)).toEqual([
    `${seconds}_sum{name="files.add"} 2`,
    `${seconds}_sum{name="files.cat"} 0.02`,
  ])
  expect((await telemetry.metrics()).body).not.toContain('r-1')
})

test('a name that does not exist is not a label', async () => {
  const { telemetry } = measure()
  publish('hunter2', 'OPERATION_UNKNOWN')
  expect(await samples(telemetry, total)).toEqual([`${total}{name="other",code="OPERATION_UNKNOWN"} 1`])
})

test('names and codes have a bound, and after it they are one label', async () => {
  const { telemetry } = measure()
  for (let index = 0; index < 1000; index++) publish(`area.verb${index}`, `CODE_${index}`)
  publish('area.verb0', 'not a code')
  const lines = await samples(telemetry, total)
  expect(lines).toHaveLength(258)
  expect(lines).toContain(`${total}{name="other",code="other"} 744`)
  expect(lines).toContain(`${total}{name="area.verb0",code="other"} 1`)
})

test('messages of another shape are passed over', async () => {
  const { telemetry } = measure()
  for (const message of [
    undefined,
    null,
    'text',
    5,
    {},
    { name: 'a', code: 'OK' },
    { name: 'a', code: 'OK', durationMs: Number.NaN },
    { name: 5, code: 'OK', durationMs: 1 },
  ]) {
    channel.publish(message)
  }
  expect(await samples(telemetry, total)).toEqual([])
})
