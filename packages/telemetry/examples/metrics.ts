import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTelemetry } from '@ipfs-kit/telemetry'
import { Registry } from 'prom-client'

const server = createServer((_request, response) => {
  telemetry.metrics().then(
    ({ contentType, body }) => response.setHeader('content-type', contentType).end(body),
    (error: Error) => response.destroy(error),
  )
})

const telemetry = createTelemetry({
  registry: new Registry(),
  nameOfServer: (each) => (each === server ? 'api' : undefined),
})
telemetry.observe('cache', () => ({ entries: 3, maxBytes: 1024 }))

server.listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`

await (await fetch(url)).text()
const metrics = await (await fetch(url)).text()
assert.ok(metrics.includes('ipfs_kit_http_requests_total{server="api",method="GET",status="200"} 1'))
assert.ok(metrics.includes('ipfs_kit_http_requests_in_flight{server="api"} 1'))
assert.ok(metrics.includes('ipfs_kit_cache_max_bytes 1024'))

await telemetry.close()
server.closeAllConnections()
server.close()
