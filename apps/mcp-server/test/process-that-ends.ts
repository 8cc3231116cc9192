/** Fails to open a server, then opens one, uses it and closes it. Nobody ends the process: it has to end by itself. */
import { openServer } from '@ipfs-kit/mcp-server'

const config = { api: { port: 0 }, gateway: { port: 0 } }

const first = await openServer({ isolated: true, config, log: console.error })
const taken = { port: Number(new URL(first.url).port) }
try {
  await openServer({ isolated: true, config: { ...config, gateway: taken }, log: console.error })
} catch (error) {
  console.log((error as { code?: unknown }).code)
}
await fetch(`${first.url}/metrics`)
await fetch(`${first.gatewayUrl}/ipfs/`)
console.log('served')
await first.close()
console.log('closed')
