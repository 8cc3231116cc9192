/** A real server for a table of operations. */
import type { AddressInfo } from 'node:net'
import { createCaller } from '@ipfs-kit/operations'
import type { AnyOperation, TableOf } from '@ipfs-kit/operations'
import { operationRoutes } from '@ipfs-kit/operations/http'
import type { OperationRoutesOptions } from '@ipfs-kit/operations/http'
import { createClient } from '@ipfs-kit/client'
import type { Client, ClientOptions } from '@ipfs-kit/client'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'

export interface Served<Entries extends readonly AnyOperation[]> {
  readonly app: FastifyInstance
  readonly url: string
  readonly client: Client<TableOf<Entries>>
}

/** Serves a table on a port of loopback until the test has finished, and makes a client for it. */
export async function serve<const Entries extends readonly AnyOperation[]>(
  operations: Entries,
  options: Omit<OperationRoutesOptions, 'operations' | 'caller'> & {
    readonly client?: Partial<ClientOptions>
    readonly prefix?: string
  } = {},
): Promise<Served<Entries>> {
  const { client, prefix = '', ...routes } = options
  const { signal } = new AbortController()
  const caller = createCaller({ operations, borrow: () => ({ parts: {}, signal, release() {} }) })
  const app = Fastify()
  await app.register(operationRoutes({ operations, caller, ...routes }), { prefix })
  await app.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => app.close())
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}${prefix}`
  return { app, url, client: createClient({ url, ...client }) }
}
