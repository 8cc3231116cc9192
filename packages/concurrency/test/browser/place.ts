/** A server on loopback for the page and for the requests of scenarios. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server; `/` is an empty page, `/scenarios.js` the given code, and `/silent` never answers. */
export async function openPlace(code: string): Promise<{ origin: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    if (request.url === '/silent') return
    const isCode = request.url === '/scenarios.js'
    response.setHeader('content-type', isCode ? 'text/javascript' : 'text/html')
    response.end(isCode ? code : '<!doctype html><title>scenarios</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
