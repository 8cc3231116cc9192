/** Answers with one JSON line for each value (`application/x-ndjson`). */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { errorBody } from './errors.ts'
import { faultOf, isReceived, linger, outputJson } from './http-answer.ts'
import type { HttpCall } from './http-call.ts'
import type { AnyOperation } from './operation.ts'

/** Text of lines that is held back while the body of the request is still being read. */
const maxHeldLength = 67_108_864
/** Lines are sent in pieces of about this size, or when the operation pauses. */
const pieceLength = 65_536

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
  let text = held
  let ended = heldAll
  let pumping = false
  let wanted = false
  let closed = false
  let flushing: NodeJS.Immediate | undefined

  const flush = (): boolean => {
    clearImmediate(flushing)
    flushing = undefined
    if (text === '') return true
    const piece = text
    text = ''
    return stream.push(piece)
  }

  async function pump(): Promise<void> {
    try {
      // What was held back goes out at once.
      if (!ended && !flush()) return
      while (!ended) {
        if (text.length >= pieceLength && !flush()) return
        const step = await lines.next()
        if (step.done === true) {
          ended = true
        } else {
          text += `${outputJson(entry, step.value)}\n`
          flushing ??= setImmediate(flush)
        }
      }
    } catch (error) {
      ended = true
      const fault = faultOf(error, call.requestId, entry.name)
      text += `${JSON.stringify({ error: errorBody(fault, call.requestId) })}\n`
      await lines.return?.()
    }
    flush()
    if (!(await isReceived(request))) await linger(request)
    closed = true
    stream.push(null)
  }

  /** The stream may ask again before a pump that has pushed enough is known to have returned: that must not be lost. */
  function start(): void {
    pumping = true
    wanted = false
    void pump().then(
      () => {
        pumping = false
        if (wanted && !closed) start()
      },
      (error: Error) => stream.destroy(error),
    )
  }

  async function leave(): Promise<void> {
    try {
      await lines.return?.()
    } catch (error) {
      // Nobody is there to be told, but the log is.
      faultOf(error, call.requestId, entry.name)
    }
  }

  const stream = new Readable({
    read() {
      wanted = true
      if (!pumping) start()
    },
    destroy(error, done) {
      clearImmediate(flushing)
      if (!ended) void leave()
      ended = true
      done(error)
    },
  })
  return stream
}
