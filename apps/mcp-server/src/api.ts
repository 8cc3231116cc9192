/** The API listener: REST with its description, MCP, health and metrics. */
import { randomUUID } from 'node:crypto'
import diagnosticsChannel from 'node:diagnostics_channel'
import type { Tokens } from '@ipfs-kit/credentials'
import {
  type AnyOperation,
  answerOf,
  type Caller,
  errorBody,
  isFault,
  type LocalCaller,
  OperationError,
  type Table,
  toFault,
} from '@ipfs-kit/operations'
import { type HttpLimits, operationRoutes } from '@ipfs-kit/operations/http'
import { type OpenApiDocument, openApiDocument } from '@ipfs-kit/operations/openapi'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { ServerError } from './errors.ts'
import { eventStream } from './event-stream.ts'
import type { CurrentWal } from './followed-wal.ts'
import { checkScope, checkSource, identify, identifySocket, shown } from './guard.ts'
import { maxMcpBytes, mcpRoute } from './mcp-route.ts'
import { mcpServers } from './mcp-tools.ts'
import type { SocketUpgrades } from './upgrades.ts'
import { walSocket } from './wal-socket.ts'

/** What {@link createApi} takes. */
export interface ApiOptions {
  readonly operations: readonly AnyOperation[]
  readonly caller: LocalCaller<Table> & Caller
  readonly tokens: Pick<Tokens, 'verify'>
  readonly version: string
  /** Areas whose operations are tools because the settings ask for them. */
  readonly areas: readonly string[]
  readonly limits: HttpLimits
  /** Whether every part is running, and which are not. */
  readonly readiness: () => {
    readonly ready: boolean
    readonly parts: readonly { readonly name: string; readonly state: string }[]
  }
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>
  /** The log of operations, which clients follow. */
  readonly wal: CurrentWal
  readonly upgrades: Pick<SocketUpgrades, 'take'>
}

/** Failures that no answer explains, for the log. */
const errors = diagnosticsChannel.channel('server:error')

/** No answer is kept, taken for another type than it has, or embedded by pages of other origins. There are no CORS headers. */
const everywhere = {
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
}

/** What both ways to follow the log need. */
const walFollow = { name: 'following the log', scope: 'content:read' } as const

/** Makes the application without listening. REST and MCP want a token; health and metrics only a loopback Host. */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const { operations, caller, tokens, version, areas } = options
  const app = fastify({
    logger: false,
    genReqId: () => randomUUID(),
    frameworkErrors: refuseUrl,
    schemaController: { compilersFactory: { buildValidator: refuseSchema, buildSerializer: refuseSchema } },
  })

  app.addHook('onRequest', async (request, reply) => {
    setHeaders(request, reply)
    try {
      checkSource(request)
    } catch (error) {
      return refuse(error, request, reply)
    }
  })
  app.addHook('onSend', async (_request, reply) => {
    if (reply.statusCode === 401) reply.header('www-authenticate', 'Bearer')
  })
  app.setErrorHandler(refuse)
  app.setNotFoundHandler((request) => {
    throw new ServerError('SERVER_NOT_FOUND', `There is nothing at ${shown(pathOf(request))}`)
  })
  // REST and MCP read their bodies in their own ways; a body that comes to anything else is not looked at.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))

  // Most servers are never asked for it, and it takes some MiB to make.
  let document: OpenApiDocument | undefined
  addPage(app, '/api/v1/openapi.json', (request, reply) => {
    identify(request, tokens)
    document ??= openApiDocument({ operations, title: 'ipfs-kit', version })
    return reply.send(document)
  })
  await app.register(
    operationRoutes({
      operations,
      caller,
      limits: options.limits,
      authorize: (request, operation) => checkScope(identify(request, tokens), operation),
    }),
  )
  await app.register(
    mcpRoute({
      createServer: mcpServers({ operations, caller, version, areas }),
      identify: (request) => identify(request, tokens),
      onError: (requestId, error) => errors.publish({ requestId, name: 'mcp', error }),
    }),
  )
  const following = {
    wal: options.wal,
    onError: (error: unknown) => errors.publish({ requestId: randomUUID(), name: 'follow', error }),
  }
  await app.register(
    walSocket({
      ...following,
      upgrades: options.upgrades,
      authorize: (request) => checkScope(identifySocket(request, tokens), walFollow),
    }),
  )
  await app.register(
    eventStream({ ...following, authorize: (request) => checkScope(identify(request, tokens), walFollow) }),
  )

  addPage(app, '/healthz', (_request, reply) => reply.send({ ok: true }))
  addPage(app, '/readyz', (_request, reply) => {
    const readiness = options.readiness()
    return reply.status(readiness.ready ? 200 : 503).send(readiness)
  })
  addPage(app, '/metrics', async (_request, reply) => {
    const { contentType, body } = await options.metrics()
    return reply.type(contentType).send(body)
  })
  return app
}

type Answer = (request: FastifyRequest, reply: FastifyReply) => FastifyReply | Promise<FastifyReply>

/** Adds what can be read with GET and HEAD, and with nothing else. */
function addPage(app: FastifyInstance, url: string, answer: Answer): void {
  const methods = ['GET', 'HEAD']
  app.route({
    method: methods,
    url,
    exposeHeadRoute: false,
    handler: async (request, reply) => answer(request, reply),
  })
  app.route({
    method: app.supportedMethods.filter((method) => !methods.includes(method)),
    url,
    exposeHeadRoute: false,
    handler: (request, reply) => {
      reply.header('allow', methods.join(', '))
      throw new ServerError('SERVER_METHOD', `${url} is read with GET, not called with ${request.method}`)
    },
  })
}

function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const fault = toFault(ownError(error))
  const status = (fault instanceof ServerError ? fault.status : undefined) ?? answerOf(fault.kind).status
  if (status === 500) errors.publish({ requestId: request.id, name: 'api', error: fault.cause ?? fault })
  return reply.status(status).send(errorBody(fault, request.id))
}

/** What the framework refuses, in the words of this server. */
function ownError(error: unknown): unknown {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  if (isFault(error) || typeof status !== 'number' || status >= 500) return error
  if (status === 413) {
    return new OperationError('OPERATION_BODY_TOO_LARGE', `The body has more than ${maxMcpBytes} bytes`)
  }
  return new ServerError('SERVER_REQUEST_INVALID', 'The request broke off', { cause: error })
}

/** A URL that cannot be decoded comes to no route and no hook, and so to no check. */
function refuseUrl(cause: Error, request: FastifyRequest, reply: FastifyReply): void {
  setHeaders(request, reply)
  const message = `The URL ${shown(pathOf(request))} cannot be decoded`
  refuse(new ServerError('SERVER_REQUEST_INVALID', message, { cause }), request, reply)
}

/** Operations check and write by their own schemas. The framework would load its compilers at each start, unused. */
function refuseSchema(): never {
  throw new TypeError('A route of this server has no schema of the framework')
}

/** On the response itself: the handler of MCP answers without the framework. */
function setHeaders(request: FastifyRequest, reply: FastifyReply): void {
  for (const [name, value] of Object.entries(everywhere)) reply.raw.setHeader(name, value)
  reply.raw.setHeader('x-request-id', request.id)
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? ''
}
