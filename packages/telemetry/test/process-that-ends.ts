/** Run as a process of its own: measures itself, scrapes once, and comes to its end. */
import { createTelemetry } from '@ipfs-kit/telemetry'
import { createErrorLog } from '@ipfs-kit/telemetry/logs'
import { Registry } from 'prom-client'

const telemetry = createTelemetry({ registry: new Registry(), nameOfServer: () => 'api' })
const log = createErrorLog({ write: () => {} })
telemetry.observe('store', () => ({ a: 1 }))
await telemetry.metrics()
if (process.argv[2] === 'close') {
  await telemetry.close()
  await log.close()
}
