/** Listening to channels that anybody can publish on: listeners by their channels, and labels that are bounded. */
import diagnosticsChannel from 'node:diagnostics_channel'
import { boundedLabel, other } from './bounded.ts'

const maxCodes = 256
const wordPattern = /^[a-z][a-z-]{0,63}$/
const codePattern = /^[A-Z][A-Z0-9_]{0,63}$/

/** What is known of a message: anybody can publish here, and an error in a subscriber would end the process. */
export type Message = Partial<Record<string, unknown>>

/** Listens. The function that it returns stops listening. */
export function listenTo(listeners: Readonly<Record<string, (message: Message) => void>>): () => void {
  const ends = Object.entries(listeners).map(([name, listener]) => {
    const onMessage = (message: unknown): void => {
      if (typeof message === 'object' && message !== null) listener(message)
    }
    diagnosticsChannel.subscribe(name, onMessage)
    return () => diagnosticsChannel.unsubscribe(name, onMessage)
  })
  return () => {
    for (const stop of ends) stop()
  }
}

/** A label for texts that somebody has chosen, such as the names of backends. */
export function textLabel(limit: number): (value: unknown) => string {
  const bounded = boundedLabel(limit)
  return (value) => (typeof value === 'string' && value.length <= 200 ? bounded(value) : other)
}

/** A label for codes of errors. */
export function codeLabelOf(): (value: unknown) => string {
  return patternLabel(codePattern)
}

/** A label for names of states and kinds. */
export function wordLabelOf(): (value: unknown) => string {
  return patternLabel(wordPattern)
}

function patternLabel(pattern: RegExp): (value: unknown) => string {
  const bounded = boundedLabel(maxCodes)
  return (value) => (typeof value === 'string' && pattern.test(value) ? bounded(value) : other)
}
