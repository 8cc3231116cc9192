import diagnosticsChannel from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import { measure, samples } from './setup.ts'

const metric = (name: string): string => `ipfs_kit_journal_${name}`

function publish(channel: string, message: unknown): void {
  diagnosticsChannel.channel(channel).publish(message)
}

test('counts changes and their time, checkpoints, transactions and alerts', async () => {
  const { telemetry } = measure()
  publish('journal:change', { ms: 1500 })
  publish('journal:change', { ms: 500 })
  publish('journal:change', { code: 'JOURNAL_FULL' })
  publish('journal:checkpoint', { sequence: 3, bytes: 100 })
  publish('journal:checkpoint', { code: 'JOURNAL_FULL', message: 'no room' })
  publish('journal:transaction', { id: 'hunter2', name: 'mine', state: 'rolled-back', openMs: 1, steps: 2 })
  publish('journal:alert', { state: 'raised', alert: 'log-size', value: 2, threshold: 1, message: 'hunter2' })
  const { body } = await telemetry.metrics()
  for (const line of [
    'changes_total{code="OK"} 2',
    'changes_total{code="JOURNAL_FULL"} 1',
    'change_seconds_total 2',
    'checkpoints_total{code="OK"} 1',
    'checkpoints_total{code="JOURNAL_FULL"} 1',
    'transactions_total{state="rolled-back"} 1',
    'alerts_total{alert="log-size",state="raised"} 1',
  ]) {
    expect(`${body}\n`).toContain(`${metric(line)}\n`)
  }
  expect(body).not.toContain('hunter2')
})

test('messages of another shape do no harm', async () => {
  const { telemetry } = measure()
  for (const message of [undefined, null, 'text', { ms: -1 }, { ms: Number.NaN, code: 5 }]) {
    publish('journal:change', message)
  }
  publish('journal:alert', { alert: 'NOT AN ALERT', state: {} })
  expect(await samples(telemetry, metric('change_seconds_total'))).toEqual([
    `${metric('change_seconds_total')} 0`,
  ])
  expect(await samples(telemetry, metric('alerts_total'))).toEqual([
    `${metric('alerts_total')}{alert="other",state="other"} 1`,
  ])
})
