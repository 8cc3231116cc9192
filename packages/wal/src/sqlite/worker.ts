/** The thread of the writer of the index in SQLite: one call after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import type { WriterAnswer, WriterCall } from './calls.ts'
import { isDamage, isFull } from './schema.ts'
import { SqliteWriter } from './writer.ts'

const port = parentPort!
const writer = new SqliteWriter((workerData as { readonly path: string }).path)

function answer(value: unknown, full?: string): void {
  const told = full === undefined ? {} : { full }
  const message: WriterAnswer = { value, ...told, standing: writer.standing() }
  port.postMessage(message)
}

port.on('message', ({ name, argument }: WriterCall) => {
  const call = writer[name].bind(writer) as (argument: unknown) => unknown
  try {
    answer(call(argument))
  } catch (error) {
    if (isFull(error)) {
      writer.undo()
      answer(undefined, error.message)
      return
    }
    // The next opening makes it anew.
    if (isDamage(error)) writer.discard()
    throw error
  }
  if (name === 'close') port.close()
})
answer(undefined)
