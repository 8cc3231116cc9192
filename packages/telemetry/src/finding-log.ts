/** What openings have found that is not as it was left, as JSON lines, from the channels of those who open. */
import diagnosticsChannel from 'node:diagnostics_channel'
import { type ErrorLog, type ErrorLogOptions, textOf } from './error-log.ts'

const findingChannels = ['blocks:finding', 'wal:finding'] as const
const maxFields = 16

/**
 * Writes a line for each finding on the channels `blocks:finding` and `wal:finding`: `{ time, level, part, finding }`, where
 * `part` is `blocks` or `wal`, and `finding` has the texts and numbers of the message. Texts are cut at 4,000 characters.
 *
 * @throws TypeError for an option that is unknown or of the wrong type
 */
export function createFindingLog(options: ErrorLogOptions): ErrorLog {
  const unknown = Object.keys(options ?? {}).find((key) => key !== 'write')
  if (unknown !== undefined) throw new TypeError(`createFindingLog has no option ${unknown}; it has write`)
  if (typeof options?.write !== 'function') throw new TypeError('createFindingLog needs write, a function')
  const { write } = options
  const onFinding = (message: unknown, channel: string | symbol): void => {
    const part = String(channel).split(':', 1)[0]
    const finding = fieldsOf(message)
    write(JSON.stringify({ time: new Date().toISOString(), level: 'warn', part, finding }))
  }
  for (const channel of findingChannels) diagnosticsChannel.subscribe(channel, onFinding)
  const close = async (): Promise<void> => {
    for (const channel of findingChannels) diagnosticsChannel.unsubscribe(channel, onFinding)
  }
  return { close, [Symbol.asyncDispose]: close }
}

/** What of a message is a text or a number: anybody can publish here. */
function fieldsOf(message: unknown): Record<string, string | number> {
  if (typeof message !== 'object' || message === null) return {}
  const fields = Object.entries(message).slice(0, maxFields)
  return Object.fromEntries(
    fields.flatMap(([name, value]): [string, string | number][] => {
      if (typeof value === 'number') return [[name, value]]
      const text = textOf(value)
      return text === undefined ? [] : [[name, text]]
    }),
  )
}
