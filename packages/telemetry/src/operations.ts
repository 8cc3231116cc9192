/** Metrics of operations, from the channel `operations:call`. */
import diagnosticsChannel from 'node:diagnostics_channel'
import { Counter, Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import { boundedLabel, other } from './bounded.ts'

/** What is taken of a call that has ended. */
interface Call {
  readonly name: string
  readonly durationMs: number
  readonly code: string
}

const callChannel = 'operations:call'
const maxNames = 256
const maxCodes = 256
const codePattern = /^[A-Z][A-Z0-9_]{0,63}$/
/** A call of what does not exist: its name is whatever the caller wrote, so it is not a label. */
const unknownCode = 'OPERATION_UNKNOWN'
const durationBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800]

/** Makes the metrics and listens. The function that it returns stops listening. */
export function measureOperations(registry: Registry): () => void {
  const registers = [registry]
  const calls = new Counter({
    name: 'ipfs_kit_operations_total',
    help: 'Operations that have ended, by code: OK or that of the error.',
    labelNames: ['name', 'code'],
    registers,
  })
  const duration = new Histogram({
    name: 'ipfs_kit_operation_duration_seconds',
    help: 'Time of operations, until the last byte or line was taken.',
    labelNames: ['name'],
    buckets: durationBuckets,
    registers,
  })
  const nameLabel = boundedLabel(maxNames)
  const codeLabel = boundedLabel(maxCodes)

  const onCall = (message: unknown): void => {
    // Anybody can publish here, and an error in a subscriber would end the process.
    if (!isCall(message)) return
    const name = message.code === unknownCode ? other : nameLabel(message.name)
    const code = codePattern.test(message.code) ? codeLabel(message.code) : other
    calls.inc({ name, code })
    duration.observe({ name }, message.durationMs / 1000)
  }

  diagnosticsChannel.subscribe(callChannel, onCall)
  return () => {
    diagnosticsChannel.unsubscribe(callChannel, onCall)
  }
}

function isCall(message: unknown): message is Call {
  const { name, durationMs, code } = (message ?? {}) as Partial<Record<keyof Call, unknown>>
  return typeof name === 'string' && typeof code === 'string' && Number.isFinite(durationMs)
}
