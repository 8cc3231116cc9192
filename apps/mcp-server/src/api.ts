/** The API listener: REST with its description, MCP, health and metrics. */
import { randomUUID } from 'node:crypto'
import diagnosticsChannel from 'node:diagnostics_channel'
import type { Tokens } from '@ipfs-kit/credentials'
import { type AnyOperation, answerOf, type Caller, errorBody, type LocalCaller, type Table, toFault } from '@ipfs-kit/operations'
import { operationRoutes } from '@ipfs-kit/operations/http'
import { openApiDocument } from '@ipfs-kit/operations/openapi'
import { fastify, type FastifyInstance } from 'fastify'
import { ServerError } from './errors.ts'
import { checkScope, checkSource, identify } from './guard.ts'
import { mcpRoute } from './mcp-route.ts'
import { mcpServers } from './mcp-tools.ts'

/** What {@link createApi} takes. */
export interface ApiOptions {
  readonly operations: readonly AnyOperation[]
  readonly caller: LocalCaller<Table> & Caller
  readonly tokens: Pick<Tokens, 'verify'>
  readonly version: string
  /** Whether every part is running, and which are not. */
  readonly readiness: () => { readonly ready: boolean; readonly parts: readonly { readonly name: string; readonly state: string }[] }
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>
}

/** Failures that no answer explains, for the log. */
const errors = diagnosticsChannel.channel('server:error')

/** Makes the application without listening. REST and MCP want a token; health and metrics only a loopback Host. */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const { operations, caller, tokens, version } = options
  // A connection that is still busy when the server closes is cut: its call has been cancelled by then.
  const app = fastify({ forceCloseConnections: true, logger: false })

  app.addHook('onRequest', async (request) => checkSource(request))
  app.setErrorHandler((error, _request, reply) => {
    const fault = toFault(error)
    const requestId = randomUUID()
    if (fault.kind === 'internal') errors.publish({ requestId, name: 'api', error })
    return reply.status(answerOf(fault.kind).status).header('x-request-id', requestId).send(errorBody(fault, requestId))
  })
  app.setNotFoundHandler((request) => {
    throw new ServerError('SERVER_NOT_FOUND', `There is nothing at ${request.url.split('?', 1)[0]}`)
  })

  const document = openApiDocument({ operations, title: 'ipfs-kit', version })
  app.get('/api/v1/openapi.json', { onRequest: async (request) => void identify(request, tokens) }, async () => document)
  await app.register(
    operationRoutes({
      operations,
      caller,
      authorize: (request, operation) => checkScope(identify(request, tokens), operation),
    }),
  )
  await app.register(
    mcpRoute({
      createServer: mcpServers({ operations, caller, version }),
      identify: (request) => identify(request, tokens),
      onError: (error) => errors.publish({ requestId: '', name: 'mcp', error }),
    }),
  )

  app.get('/healthz', async () => ({ ok: true }))
  app.get('/readyz', async (_request, reply) => {
    const readiness = options.readiness()
    return reply.status(readiness.ready ? 200 : 503).send(readiness)
  })
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await options.metrics()
    return reply.type(contentType).send(body)
  })
  return app
}
