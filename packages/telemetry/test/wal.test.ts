import diagnosticsChannel from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import { measure, samples } from './setup.ts'

const metric = (name: string): string => `ipfs_kit_wal_${name}`

function publish(channel: string, message: unknown): void {
  diagnosticsChannel.channel(channel).publish(message)
}

test('counts what a log has acknowledged, and what has become of its operations', async () => {
  const { telemetry } = measure()
  publish('wal:append', { firstLsn: 1, records: 3, bytes: 300 })
  publish('wal:append', { firstLsn: 4, records: 1, bytes: 50 })
  for (const state of ['queued', 'running', 'completed', 'queued']) {
    publish('wal:operation', { id: 7, type: 'pin', state, backend: 's3' })
  }
  expect(await samples(telemetry, metric('records_total'))).toEqual([`${metric('records_total')} 4`])
  expect(await samples(telemetry, metric('bytes_total'))).toEqual([`${metric('bytes_total')} 350`])
  expect(await samples(telemetry, metric('batches_total'))).toEqual([`${metric('batches_total')} 2`])
  expect(await samples(telemetry, metric('changes_total'))).toEqual([
    `${metric('changes_total')}{type="pin",state="queued"} 2`,
    `${metric('changes_total')}{type="pin",state="running"} 1`,
    `${metric('changes_total')}{type="pin",state="completed"} 1`,
  ])
})

test('counts findings, checkpoints, stops, changes of backends and handlers that do not end', async () => {
  const { telemetry } = measure()
  publish('wal:finding', { kind: 'torn-tail', segment: 'a.wal', offset: 64, bytes: 8 })
  publish('wal:checkpoint', { lsn: 9, bytes: 100 })
  publish('wal:checkpoint', { code: 'WAL_FULL', message: 'no room' })
  publish('wal:stop', { code: 'WAL_SYNC_FAILED', message: 'EIO' })
  publish('wal:backend', { backend: 's3', state: 'offline', since: 5, evidence: 'refused' })
  publish('wal:late', { id: 1, type: 'pin', attempt: 1 })
  publish('wal:stuck', { id: 1, type: 'pin', attempt: 1, backend: '' })
  const { body } = await telemetry.metrics()
  for (const line of [
    'findings_total{kind="torn-tail"} 1',
    'checkpoints_total{code="OK"} 1',
    'checkpoints_total{code="WAL_FULL"} 1',
    'stops_total{code="WAL_SYNC_FAILED"} 1',
    'backend_changes_total{backend="s3",state="offline"} 1',
    'late_total{type="pin"} 1',
    'stuck_total{type="pin"} 1',
  ]) {
    expect(body).toContain(`${metric(line)}\n`)
  }
  expect(body).not.toContain('refused')
})

test('types and backends have a bound, and messages of another shape do no harm', async () => {
  const { telemetry } = measure()
  for (let nth = 0; nth < 1000; nth++) {
    publish('wal:backend', { backend: `b${nth}`, state: 'offline' })
    publish('wal:late', { type: `custom:${nth}` })
  }
  for (const message of [undefined, null, 'text', { records: -1, bytes: 1 }, { records: 1 }]) {
    publish('wal:append', message)
  }
  publish('wal:operation', { type: 5, state: 'NOT A STATE' })
  expect(await samples(telemetry, metric('backend_changes_total'))).toHaveLength(257)
  expect(await samples(telemetry, metric('late_total'))).toContain(
    `${metric('late_total')}{type="other"} 744`,
  )
  expect(await samples(telemetry, metric('records_total'))).toEqual([`${metric('records_total')} 0`])
  expect(await samples(telemetry, metric('changes_total'))).toEqual([
    `${metric('changes_total')}{type="other",state="other"} 1`,
  ])
})

test('nothing is counted after close', async () => {
  const { telemetry } = measure()
  await telemetry.close()
  expect(diagnosticsChannel.hasSubscribers('wal:append')).toBe(false)
  expect(diagnosticsChannel.hasSubscribers('wal:operation')).toBe(false)
})
