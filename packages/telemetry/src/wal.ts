/** Metrics of logs of operations, from the channels `wal:…`. */
import { Counter } from 'prom-client'
import type { Registry } from 'prom-client'
import { codeLabelOf, listenTo, type Message, textLabel, wordLabelOf } from './listening.ts'

const maxTypes = 256
const maxBackends = 256

/** Makes the metrics and listens. The function that it returns stops listening. */
export function measureWal(registry: Registry): () => void {
  const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
    new Counter({ name: `ipfs_kit_wal_${name}`, help, labelNames, registers: [registry] })
  const records = counter('records_total', 'Records that were acknowledged.')
  const bytes = counter('bytes_total', 'Bytes of records that were acknowledged.')
  const batches = counter('batches_total', 'Batches in which records were written.')
  const changes = counter('changes_total', 'Changes of operations, by the state that they came into.', [
    'type',
    'state',
  ])
  const findings = counter('findings_total', 'What openings have found, by its kind.', ['kind'])
  const checkpoints = counter('checkpoints_total', 'Checkpoints, by code: OK or that of the error.', ['code'])
  const stops = counter('stops_total', 'Logs that take nothing any more, by code.', ['code'])
  const backends = counter(
    'backend_changes_total',
    'Changes of backends, by the state that they came into.',
    ['backend', 'state'],
  )
  const late = counter('late_total', 'Answers of handlers that were dropped.', ['type'])
  const stuck = counter('stuck_total', 'Handlers that went on long after they were cancelled.', ['type'])

  const typeLabel = textLabel(maxTypes)
  const backendLabel = textLabel(maxBackends)
  const codeLabel = codeLabelOf()
  const wordLabel = wordLabelOf()

  const listeners: Readonly<Record<string, (message: Message) => void>> = {
    'wal:append': (message) => {
      if (!isAmount(message['records']) || !isAmount(message['bytes'])) return
      records.inc(message['records'])
      bytes.inc(message['bytes'])
      batches.inc()
    },
    'wal:operation': ({ type, state }) => changes.inc({ type: typeLabel(type), state: wordLabel(state) }),
    'wal:finding': ({ kind }) => findings.inc({ kind: wordLabel(kind) }),
    'wal:checkpoint': ({ code = 'OK' }) => checkpoints.inc({ code: codeLabel(code) }),
    'wal:stop': ({ code }) => stops.inc({ code: codeLabel(code) }),
    'wal:backend': ({ backend, state }) =>
      backends.inc({ backend: backendLabel(backend), state: wordLabel(state) }),
    'wal:late': ({ type }) => late.inc({ type: typeLabel(type) }),
    'wal:stuck': ({ type }) => stuck.inc({ type: typeLabel(type) }),
  }
  return listenTo(listeners)
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
