/** Answers with one JSON line for each value (`application/x-ndjson`). */
import { Readable } from 'node:stream'
import { channel, checkpoint, createEvent, type Scope } from '@ipfs-kit/concurrency'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { errorBody } from './errors.ts'
import { faultOf, isReceived, linger, outputJson } from './http-answer.ts'
import type { HttpCall } from './http-call.ts'
import type { AnyOperation } from './operation.ts'

/** Text of lines that is held back while the body of the request is still being read. */
const maxHeldLength = 67_108_864
/** Lines that are read while the reader of the answer has enough, … */
const linesAhead = 1_024
/** … and their text, beyond which no further one is asked for. */
const lengthAhead = 65_536

/**
 * Sends lines. The first one is taken before the headers go out, and while the body of the request is not read to its end
 * all of them are held back, so that a failure until then has its own status. A later one is the last line
 * `{"error":{…}}`.
 */
export async function sendLines(
  request: FastifyRequest,
  reply: FastifyReply,
  call: HttpCall,
  entry: AnyOperation,
  values: AsyncIterable<unknown>,
): Promise<FastifyReply> {
  const lines = values[Symbol.asyncIterator]()
  let held = ''
  let ended = false
  try {
    do {
      const step = await lines.next()
      if (step.done === true) ended = true
      else held += `${outputJson(entry, step.value)}\n`
      if (call.upload.failure !== undefined) throw call.upload.failure
    } while (!ended && entry.body !== 'none' && !call.upload.finished && held.length < maxHeldLength)
  } catch (error) {
    await lines.return?.()
    throw error
  }
  reply.header('content-type', 'application/x-ndjson; charset=utf-8')
  if (request.method === 'HEAD') {
    await lines.return?.()
    call.cancel('Only the headers were asked for')
    return reply.send()
  }
  if (!(await isReceived(request))) reply.header('connection', 'close')
  return reply.send(streamOf(held, ended, lines, { request, call, entry }))
}

function streamOf(
  held: string,
  heldAll: boolean,
  lines: AsyncIterator<unknown>,
  { request, call, entry }: { request: FastifyRequest; call: HttpCall; entry: AnyOperation },
): Readable {
  const [out, incoming] = channel<string>(linesAhead, { name: 'lines' })
  let wanted = createEvent({ name: 'reader of the answer' })
  let room = createEvent({ name: 'room for lines' })
  let ahead = 0
  const stream = new Readable({
    read: () => wanted.set(),
    destroy(error, done) {
      reading.cancel('The answer is over')
      sending.cancel('The answer is over')
      done(error)
    },
  })
  const reading = call.owner.spawn((task) => readLines(task), { name: 'lines of an operation' })
  const sending = call.owner.spawn(() => sendPieces(), { name: 'answer of lines' })
  return stream

  /** Hands on what the operation gives; its failure is the last line. */
  async function readLines(task: Scope): Promise<void> {
    using _end = out
    if (heldAll) return
    try {
      for (let step = await lines.next(); step.done !== true; step = await lines.next()) {
        const line = `${outputJson(entry, step.value)}\n`
        ahead += line.length
        await out.send(line)
        if (ahead >= lengthAhead) {
          room = createEvent({ name: 'room for lines' })
          await room.wait()
        }
      }
    } catch (error) {
      const failure = task.cancelled ? undefined : lastLine(error)
      try {
        await lines.return?.()
      } catch (cause) {
        // Nobody is there to be told, but the log is.
        faultOf(cause, call.requestId, entry.name)
      }
      if (failure !== undefined) await out.send(failure)
    }
  }

  async function sendPieces(): Promise<void> {
    try {
      // What was held back goes out at once.
      if (held !== '') await push(held)
      for await (const first of incoming) {
        // The lines of one turn are sent together.
        await checkpoint()
        let piece = first
        for (let left = incoming.stats().buffered; left > 0; left -= 1) piece += incoming.tryReceive()!.value
        await push(piece)
        ahead -= piece.length
        if (ahead < lengthAhead) room.set()
      }
      if (!(await isReceived(request))) await linger(request)
      stream.push(null)
    } catch (error) {
      if (!stream.destroyed) stream.destroy(error as Error)
    }
  }

  /** Waits while the reader has enough. */
  async function push(piece: string): Promise<void> {
    wanted = createEvent({ name: 'reader of the answer' })
    if (!stream.push(piece)) await wanted.wait()
  }

  function lastLine(error: unknown): string {
    const fault = faultOf(error, call.requestId, entry.name)
    return `${JSON.stringify({ error: errorBody(fault, call.requestId) })}\n`
  }
}
