import { spawn } from 'node:child_process'
import diagnosticsChannel from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createTelemetry } from '@ipfs-kit/telemetry'
import { Gauge, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { measure, sendRaw, serve } from './setup.ts'

const channels = ['http.server.request.start', 'http.server.response.finish', 'operations:call']

test('listens until it is closed, and to nothing afterwards', async () => {
  const before = channels.map((name) => diagnosticsChannel.hasSubscribers(name))
  const { telemetry } = measure({ nameOfServer: () => 'api' })
  expect(channels.map((name) => diagnosticsChannel.hasSubscribers(name))).toEqual([true, true, true])
  await telemetry.close()
  expect(channels.map((name) => diagnosticsChannel.hasSubscribers(name))).toEqual(before)
  expect(before.at(-1)).toBe(false)
})

test('no metric moves after close, not even for what was in flight', async () => {
  const { telemetry, registry } = measure({ nameOfServer: () => 'api' })
  const arrived = Promise.withResolvers<ServerResponse>()
  const { server, url, port } = await serve((request, response) => {
    if (request.url === '/wait') arrived.resolve(response)
    else response.end()
  })
  await (await fetch(url)).text()
  const connected = once(server, 'connection') as Promise<[Socket]>
  const socket = await sendRaw(port, 'GET /wait HTTP/1.1\r\nHost: a\r\n\r\n')
  const response = await arrived.promise
  const [inner] = await connected
  const own = inner.listenerCount('close')
  const kept = [
    'ipfs_kit_http_requests_total',
    'ipfs_kit_http_requests_in_flight',
    'ipfs_kit_http_request_duration_seconds',
    'ipfs_kit_operations_total',
    'ipfs_kit_operation_duration_seconds',
    'nodejs_gc_duration_seconds',
  ].map((name) => registry.getSingleMetric(name)!)
  const values = async () => JSON.stringify(await Promise.all(kept.map((metric) => metric.get())))
  const before = await values()
  expect(before).toContain('"status":"200"')

  await telemetry.close()
  expect(inner.listenerCount('close')).toBe(own - 1)
  await (await fetch(url)).text()
  const gone = once(response, 'close')
  socket.destroy()
  await gone
  diagnosticsChannel.channel('operations:call').publish({ name: 'files.add', code: 'OK', durationMs: 1 })
  expect(await values()).toBe(before)
})

test('takes its metrics out of the registry, which can then be used again', async () => {
  const { telemetry, registry } = measure()
  telemetry.observe('store', () => ({ a: 1 }))
  await telemetry.close()
  expect(registry.getMetricsAsArray()).toEqual([])
  expect(await telemetry.metrics()).toEqual({ contentType: registry.contentType, body: '\n' })
  expect(() => telemetry.observe('store', () => ({ a: 1 }))).toThrow('closed')
  const { telemetry: next } = measure({ registry })
  expect((await next.metrics()).body).toContain('process_cpu_seconds_total')
})

test('can be closed again', async () => {
  const { telemetry } = measure()
  await Promise.all([telemetry.close(), telemetry.close()])
  await telemetry[Symbol.asyncDispose]()
})

test('a registry that has one of the metrics is refused, left as it was, and not listened for', async () => {
  const registry = new Registry()
  const theirs = new Gauge({ name: 'ipfs_kit_operations_total', help: 'Theirs.', registers: [registry] })
  expect(() => createTelemetry({ registry })).toThrow('has a metric ipfs_kit_operations_total already')
  expect(registry.getMetricsAsArray()).toEqual([theirs])
  expect(diagnosticsChannel.hasSubscribers('operations:call')).toBe(false)
})

test('refuses options that are missing, unknown or of another kind', () => {
  // @ts-expect-error registry is needed
  expect(() => createTelemetry({})).toThrow(TypeError)
  // @ts-expect-error options are needed
  expect(() => createTelemetry()).toThrow(TypeError)
  // @ts-expect-error no registry
  expect(() => createTelemetry({ registry: {} })).toThrow(TypeError)
  // @ts-expect-error no function
  expect(() => createTelemetry({ registry: new Registry(), nameOfServer: 'api' })).toThrow(TypeError)
  // @ts-expect-error there is no such option
  expect(() => createTelemetry({ registry: new Registry(), nameOfServers: () => 'api' })).toThrow(
    'no option nameOfServers; it has registry, nameOfServer',
  )
})

test.each(['close', 'leave'])('the process can end (%s)', async (way) => {
  const script = fileURLToPath(new URL('./process-that-ends.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=@ipfs-kit/source', script, way], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  expect(code).toBe(0)
})
