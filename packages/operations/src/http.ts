/** REST: a Fastify plugin with one route for each operation. */
import { randomUUID } from 'node:crypto'
import { createEvent, createOwner, type Event, moveOnAt, now, run } from '@ipfs-kit/concurrency'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { LocalCaller } from './caller.ts'
import { OperationError } from './errors.ts'
import type { Fault } from './errors.ts'
import { faultOf, outputJson, sendBytes, sendFault, sendJson } from './http-answer.ts'
import { openCall } from './http-call.ts'
import type { HttpCall } from './http-call.ts'
import { queryReader, readJson } from './http-input.ts'
import type { QueryReader } from './http-input.ts'
import { sendLines } from './http-lines.ts'
import { uploadOf } from './http-upload.ts'
import { hasGet, routePath } from './routes.ts'
import type { AnyOperation, BytesResult } from './operation.ts'

export type { ErrorRecord } from './error-channel.ts'

/** Limits of the routes. Every one of them has a default. */
export interface HttpLimits {
  /** JSON input in bytes. Default 1 MiB. */
  readonly maxInputBytes?: number
  /** Body of an operation whose entry names no limit, in bytes. Default 1 TiB. */
  readonly maxBodyBytes?: number
  /** Parts (files, folders and failures) of one multipart body. Default 1,000,000. */
  readonly maxFiles?: number
  /** Time in which a client must send or take a byte when the server waits for it. Default 300,000 ms. */
  readonly maxIdleMs?: number
}

/** How long a closing server waits for its cancelled calls to be answered. */
const answeringMs = 1000

/** Options of {@link operationRoutes}. */
export interface OperationRoutesOptions {
  readonly operations: readonly AnyOperation[]
  readonly caller: Pick<LocalCaller, 'callAs'>
  readonly limits?: HttpLimits
  /** Refuses a request by throwing a fault, before anything of its body is read. */
  readonly authorize?: (request: FastifyRequest, operation: AnyOperation) => void | Promise<void>
}

/**
 * Makes the plugin: `POST /api/v1/<area>/<verb>` for each entry, `GET` and `HEAD` for those that only read and take no
 * body, 405 for other methods and 404 for what is below `/api/v1/` and is no operation.
 *
 * Every answer has `x-request-id`. A client that goes away and a server that closes abort the signal of the call. What
 * an answer of 500 does not explain is published on the channel `operations:error` as {@link ErrorRecord}.
 *
 * @throws TypeError for a limit that is no positive number, and for a `files` operation with an input `filename`, which
 * is the name of a raw body
 */
export function operationRoutes(options: OperationRoutesOptions): FastifyPluginAsync {
  const limits = {
    maxInputBytes: 1_048_576,
    maxBodyBytes: 2 ** 40,
    maxFiles: 1_000_000,
    maxIdleMs: 300_000,
    ...options.limits,
  }
  for (const [name, limit] of Object.entries(limits)) {
    if (!(limit > 0)) throw new TypeError(`The limit ${name} is a positive number, not ${limit}`)
  }
  for (const entry of options.operations) {
    if (entry.body === 'files' && 'filename' in entry.input.shape) {
      throw new TypeError(`${entry.name} takes files, so its input cannot have the key filename`)
    }
  }
  const calls = new WeakMap<FastifyRequest, HttpCall>()
  const running = new Set<HttpCall>()
  let allAnswered: Event | undefined
  /** When a closing server stops waiting, on the clock of `now()`. */
  let lateAt = 0

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    entry: AnyOperation,
    readQuery: QueryReader,
  ) {
    const call = calls.get(request)!
    try {
      const { signal, requestId, upload } = call
      const query = { ...(request.query as Record<string, unknown>) }
      let input: unknown
      let body: ReturnType<typeof uploadOf> | undefined
      if (entry.body !== 'none') {
        const filename = entry.body === 'files' ? takeFilename(query) : undefined
        input = readQuery(query)
        body = uploadOf(request, entry, call, filename, {
          maxBytes: entry.maxBodyBytes ?? limits.maxBodyBytes,
          maxFiles: limits.maxFiles,
        })
      } else if (request.method === 'POST') {
        if (Object.keys(query).length > 0) {
          throw new OperationError(
            'OPERATION_INVALID_INPUT',
            'The input of a POST is its JSON body, not its query',
          )
        }
        const source = request.body === undefined ? undefined : request.raw
        input = await readJson(source, request.headers['content-type'], {
          maxBytes: limits.maxInputBytes,
          signal,
        })
      } else {
        input = readQuery(query)
      }
      const result = await options.caller.callAs(
        requestId,
        entry.name,
        input,
        body === undefined ? { signal } : { signal, body },
      )
      if (entry.returns === 'lines')
        return await sendLines(request, reply, call, entry, result as AsyncIterable<unknown>)
      if (upload.failure !== undefined) throw upload.failure
      if (entry.returns === 'bytes')
        return await sendBytes(request, reply, call, entry, result as BytesResult)
      return await sendJson(request, reply, outputJson(entry, result))
    } catch (error) {
      // An operation may have wrapped what went wrong with the body of its request.
      const fault: Fault = faultOf(call.upload.failure ?? error, call.requestId, entry.name)
      return await sendFault(request, reply, fault, call.requestId)
    }
  }

  return async (app) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    const owner = createOwner({ name: 'answers' })
    app.addHook('onRequest', async (request, reply) => {
      const call = openCall(request, reply, owner, limits.maxIdleMs)
      calls.set(request, call)
      running.add(call)
      reply.raw.once('close', () => {
        running.delete(call)
        if (running.size === 0) allAnswered?.set()
      })
      reply.headers({
        'x-request-id': call.requestId,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      })
    })
    app.addHook('preClose', async () => {
      const closing = new OperationError('OPERATION_CLOSING', 'The server is closing')
      for (const call of running) call.cancel(closing)
      lateAt = now() + answeringMs
      // They are answered now; who does not take the answer in time is not waited for.
      const answered = createEvent({ name: 'all answered' })
      allAnswered = answered
      if (running.size > 0) await moveOnAt(lateAt, () => answered.wait(), { shield: true })
    })
    app.addHook('onClose', async () => {
      await moveOnAt(lateAt, () => run(owner.close()), { shield: true })
    })
    app.setErrorHandler((error, request, reply) => {
      const requestId = calls.get(request)?.requestId ?? randomUUID()
      return sendFault(request, reply, faultOf(frameworkFault(error), requestId, ''), requestId)
    })

    for (const entry of options.operations) {
      const url = routePath(entry)
      const methods = hasGet(entry) ? ['POST', 'GET', 'HEAD'] : ['POST']
      const readQuery = queryReader(entry)
      app.route({
        method: methods,
        url,
        exposeHeadRoute: false,
        onRequest: async (request) => options.authorize?.(request, entry),
        handler: async (request, reply) => answer(request, reply, entry, readQuery),
      })
      app.route({
        method: app.supportedMethods.filter((method) => !methods.includes(method)),
        url,
        exposeHeadRoute: false,
        onRequest: async (request, reply) => {
          const message = `${entry.name} is called with ${methods.join(' or ')}, not with ${request.method}`
          const { requestId } = calls.get(request)!
          const fault = new OperationError('OPERATION_METHOD', message)
          return sendFault(request, reply.header('allow', methods.join(', ')), fault, requestId, 405)
        },
        handler: () => {},
      })
    }
    app.all('/api/v1/*', { exposeHeadRoute: false }, (request) => {
      const path = request.url.split('?', 1)[0]!
      throw new OperationError('OPERATION_UNKNOWN', `There is no operation at ${path}`)
    })
  }
}

/** Takes the name of a raw body out of the query. */
function takeFilename(query: Record<string, unknown>): string | undefined {
  const { filename } = query
  if (typeof filename === 'string') delete query['filename']
  return typeof filename === 'string' ? filename : undefined
}

/** Faults pass through; what Fastify itself refuses gets the code that says so. */
function frameworkFault(error: unknown): unknown {
  const status = (error as { statusCode?: unknown }).statusCode
  const message = error instanceof Error ? error.message : String(error)
  if (typeof (error as { kind?: unknown }).kind === 'string' || typeof status !== 'number') return error
  if (status === 415) return new OperationError('OPERATION_MEDIA_TYPE', message, { cause: error })
  if (status === 413) return new OperationError('OPERATION_BODY_TOO_LARGE', message, { cause: error })
  if (status >= 400 && status < 500)
    return new OperationError('OPERATION_BODY_INVALID', message, { cause: error })
  return error
}
